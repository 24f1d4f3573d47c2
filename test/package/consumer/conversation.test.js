import { test } from 'node:test';
import { runMarbles, scriptedProvider } from 'rxjs-resilience/testing';
import { conversation } from './conversation.js';

test('the screen shows one answer, whatever happens behind it', () => {
  runMarbles(({ cold, expectObservable, expectNoLeaks }) => {
    const main = scriptedProvider('--A--#', '--#');
    const spare = scriptedProvider(['--B----C(F|)'], { name: 'spare' });
    const screen = conversation(cold('q 199ms r'), main, spare);
    const shown = { a: 'A', x: '', b: 'B', c: 'BC' };
    expectObservable(screen).toBe('502ms a 1006ms (xb)-c', shown);
    expectNoLeaks(main, spare);
  });
});
