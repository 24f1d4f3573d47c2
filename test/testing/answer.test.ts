import { test } from 'vitest';
import { fixedBackoff, ResilientProvider } from '../../src/index.ts';
import { runMarbles, scriptedProvider } from '../../src/testing/index.ts';

test('an answer that breaks off begins anew, and nothing is left open', () => {
  runMarbles(({ expectChat, expectNoLeaks }) => {
    const provider = scriptedProvider('--A--#', '--A---B--(F|)');
    const retry = { maxRetries: 1, backoff: fixedBackoff(1_000) };
    const assistant = new ResilientProvider({ provider, retry, recovery: 'restart' });
    expectChat(assistant.stream([{ role: 'user', content: 'Hello' }])).toBe('--A-- 1s --(RA)B--(F|)');
    expectNoLeaks(assistant, provider);
  });
});
