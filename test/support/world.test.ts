import { config, Subject } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { putBack, worldNow } from './world.ts';

const before = worldNow();
const { setTimeout } = globalThis;

test.each<[string, () => void, string[]]>([
  ['nothing', () => {}, []],
  ['a spy', () => void vi.spyOn(Subject.prototype, 'next'), []],
  ['a global', () => void Object.assign(globalThis, { setTimeout: () => 0 }), ['globalThis.setTimeout']],
  ['a hook', () => void Object.assign(config, { onUnhandledError: ignore }), ['config.onUnhandledError']],
  ['a listener', () => void process.on('warning', ignore), ['listeners of warning']],
])('names what was left, and puts it back: %s', (_, leave, left) => {
  leave();
  expect(putBack(before)).toStrictEqual(left);
  process.off('warning', ignore);
  expect(putBack(before)).toStrictEqual([]);
});

test('fake timers end, also where a spy would bring them back', () => {
  vi.useFakeTimers();
  vi.spyOn(globalThis, 'setTimeout').mockRestore();
  expect(putBack(before)).toContain('fake timers');
  vi.useFakeTimers();
  vi.spyOn(globalThis, 'setTimeout').mockRestore();
  vi.useRealTimers();
  expect(putBack(before)).toStrictEqual(['globalThis.setTimeout']);
  expect(globalThis.setTimeout).toBe(setTimeout);
});

function ignore(): void {}
