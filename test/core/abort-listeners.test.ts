import { expect, test, vi } from 'vitest';
import { listen, unlisten } from '../../src/core/abort-listeners.ts';

test('all who listen to a signal share one listener, which goes with the last of them', () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const [one, other] = [{ aborted: vi.fn() }, { aborted: vi.fn() }];
  unlisten(signal, one);
  listen(signal, one);
  listen(signal, other);
  expect(added).toHaveBeenCalledTimes(1);
  unlisten(signal, one);
  unlisten(signal, one);
  expect(removed).not.toHaveBeenCalled();
  unlisten(signal, other);
  unlisten(signal, other);
  expect(removed.mock.calls).toStrictEqual(added.mock.calls);
  listen(signal, one);
  expect(added).toHaveBeenCalledTimes(2);
});
