import fc from 'fast-check';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { markOf } from '../../src/testing/lane.ts';
import { parseMarbles, parseStream, parseSubscription } from '../../src/testing/marbles.ts';

/** RxJS counts ten frames a character unless a run is under way. */
function asRxjsReads(marbles: string): unknown {
  return new TestScheduler(() => {}).run(() =>
    TestScheduler.parseMarbles(marbles, undefined, 'broken', undefined, true).map(markOf),
  );
}

describe('marbles', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '-',
      '--',
      'a',
      'b',
      'é',
      '🎈',
      '(ab)',
      '(c)',
      ' ',
      ' 5ms ',
      ' 1.5s ',
      ' 2m ',
      ' 0.25ms ',
      ' 3',
      's',
    ),
  );

  it('are read as RxJS reads them', () => {
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom('', '|', '#', '(x|)', '(x#)'), (pieces, end) => {
        // The space: RxJS sees no time at the very end.
        const marbles = `${pieces.join('')}${end} `;
        expect(parseStream(marbles, undefined, 'broken')).toStrictEqual(asRxjsReads(marbles));
      }),
      { examples: [[['--', ' 5ms ', 'a'], '|']] },
    );
  });

  it('may end with a time, which RxJS would read as letters', () => {
    expect(parseStream('a 10ms')).toStrictEqual([{ frame: 0, kind: 'next', value: 'a' }]);
  });

  it('give letters their values, also those that are falsy', () => {
    expect(parseStream('ab#', { a: 0, b: undefined }, null)).toStrictEqual([
      { frame: 0, kind: 'next', value: 0 },
      { frame: 1, kind: 'next', value: undefined },
      { frame: 2, kind: 'error', error: null },
    ]);
  });

  it.each([
    ['--(ab', 'open a group that is not closed'],
    ['--ab)', 'close a group that was not opened'],
    ['(a(b))', 'open a group inside a group'],
    ['(a-b)', 'let time pass inside a group'],
    ['( 5ms a)', 'contain a time inside a group'],
    ['-|-a', 'go on after their end'],
    ['(#|)', 'go on after their end'],
  ])('%s are refused: they %s', (marbles, reason) => {
    expect(() => parseMarbles(marbles)).toThrow(`The marbles "${marbles}" ${reason}.`);
  });

  it('with a letter that has no value are refused', () => {
    expect(() => parseMarbles('-a-x', { a: 1, b: 2 })).toThrow(
      'contain "x", for which there is no value; there are a, b.',
    );
  });

  it.each(['500ms|', '-a500ms -', '-- 500 ms -', ' 0.5ms(a|)'])(
    'with a time that RxJS would read as letters are refused: %s',
    (marbles) => {
      expect(() => parseMarbles(marbles)).toThrow('would be read as letters');
    },
  );

  it.each(['-^-a', 'a!'])('of a stream have no place for subscriptions: %s', (marbles) => {
    expect(() => parseStream(marbles)).toThrow('"^" and "!" have no place there');
  });

  it('of a subscription are read', () => {
    expect(parseSubscription('--^--!')).toStrictEqual({ subscribedFrame: 2, unsubscribedFrame: 5 });
    expect(parseSubscription('^')).toStrictEqual({ subscribedFrame: 0, unsubscribedFrame: Infinity });
    expect(parseSubscription('')).toStrictEqual({ subscribedFrame: Infinity, unsubscribedFrame: Infinity });
  });

  it.each(['--a--', '!--^', '^-!-^', '^|'])('of a subscription are nothing else: %s', (marbles) => {
    expect(() => parseSubscription(marbles)).toThrow('are those of a subscription');
  });
});
