import { concat, map, mergeMap, throwError, timer } from 'rxjs';
import { BulkheadRejectedError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { type FallbackFailure, fallback } from '../../src/fallback/index.ts';
import type { Chapter } from '../diagram.ts';

/** A cache that takes 3 ms to answer. */
const cache = () => timer(3).pipe(map(() => 'c'));
/** Another one, broken, that takes 2 ms to say so. */
const brokenCache = () => timer(2).pipe(mergeMap(() => throwError(() => new Error('the cache is down'))));

export const fallbackChapter: Chapter = {
  operator: 'fallback',
  introduction:
    'When all else has failed, a worse answer is better than none: the one from the cache, from another provider, or a kind sentence. Two answers are never mixed.',
  diagrams: [
    {
      title: 'A stream that does not fail is left alone',
      prose: 'The alternative is not even made.',
      setup: () => fallback('x'),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A value answers instead of an error',
      prose: 'It is emitted as it is, also when it is a string or an array.',
      setup: () => fallback('x'),
      source: '       --#',
      expected: '     --(x|)',
      subscriptions: ['^-!'],
    },
    {
      title: 'A function makes the alternative when it is needed',
      prose: 'It hears of the error, and may answer with a value or with a stream.',
      setup: () => fallback(cache),
      source: '       --#',
      expected: '     -----(c|)',
      subscriptions: ['^-!'],
    },
    {
      title: 'A chain is tried in order',
      prose: 'The first alternative fails after 2 ms, the second answers. Events name the one that is tried.',
      setup() {
        const events = new EventBus();
        return {
          operator: fallback({ events, alternatives: [brokenCache, 'x', 'y'] }),
          lanes: {
            alternative: events.on('fallback_used').pipe(map(({ data }) => String(data.alternative))),
          },
        };
      },
      source: '       --#',
      expected: '     ----(x|)',
      subscriptions: ['^-!'],
      lanes: { alternative: { expected: '--1-2' } },
    },
    {
      title: 'A function hears of every error so far',
      prose:
        'Of the latest as error, of all as errors, and how many values were emitted. The third in this chain says how many have failed before it.',
      setup: () =>
        fallback([
          brokenCache,
          brokenCache,
          ({ errors }: FallbackFailure) => `after ${errors.length} errors`,
        ]),
      source: '       --#',
      expected: '     ------(x|)',
      values: { x: 'after 3 errors' },
      subscriptions: ['^-!'],
    },
    {
      title: 'When the alternatives fail as well, every error is told',
      prose: 'FallbackExhaustedError carries them in order; the first, the one of the source, is its cause.',
      setup: () => fallback([brokenCache, brokenCache]),
      source: '       --#',
      expected: '     ------#',
      errors: ['FallbackExhaustedError'],
      subscriptions: ['^-!'],
    },
    {
      title: 'After the first delivered value the error goes downstream',
      prose: 'The commit rule: half an answer of one and a whole answer of another are no answer.',
      setup: () => fallback('x'),
      source: '       --a--#',
      expected: '     --a--#',
      subscriptions: ['^----!'],
    },
    {
      title: 'The rule holds for the alternatives as well',
      prose:
        'The first one breaks after a value. The second is not asked: it would be a third answer behind a half one.',
      setup: () => fallback([() => concat(cache(), brokenCache()), 'x']),
      source: '       --#',
      expected: '     -----c-#',
      errors: ['Error'],
      subscriptions: ['^-!'],
    },
    {
      title: 'commitOn says which values count',
      prose: 'A ping "p" says nothing yet, so the alternative may still speak instead.',
      setup: () => fallback({ alternatives: ['x'], commitOn: (value) => value !== 'p' }),
      source: '       --p--#',
      expected: '     --p--(x|)',
      subscriptions: ['^----!'],
    },
    {
      title: 'midStream lets an alternative go on behind what was delivered',
      prose: 'The function knows how many values were emitted, and continues from there.',
      setup: () =>
        fallback({ midStream: true, alternatives: [({ emitted }) => ['0', '1', '2'][emitted] ?? '-'] }),
      source: '       --a--#',
      expected: '     --a--(1|)',
      subscriptions: ['^----!'],
    },
    {
      title: 'A rejection by another policy is answered',
      prose: 'A full bulkhead, an open circuit, a rate limit: this is what a fallback is for.',
      setup: () => fallback('x'),
      source: '       --#',
      sourceErrors: [new BulkheadRejectedError('images', 'queue-full', 'is full.')],
      expected: '     --(x|)',
      subscriptions: ['^-!'],
    },
    {
      title: "The caller's own abort is not answered",
      prose:
        'Who cancelled wants no other answer. `handle` says which errors are answered if this is not enough.',
      setup: () => fallback('x'),
      source: '       --#',
      sourceErrors: [{ kind: 'cancelled' }],
      expected: '     --#',
      errors: [{ kind: 'cancelled' }],
      subscriptions: ['^-!'],
    },
    {
      title: 'handle says which errors are answered',
      prose:
        'The first stream fails because the service is busy, and is answered. A mistake of the caller is not.',
      setup: () => fallback({ alternatives: ['x'], handle: (error) => error === 'busy' }),
      source: '       --#',
      sourceErrors: ['busy', 'mistake'],
      consumers: ['    ^', '   ---^'],
      expected: ['     --(x|)', '-----#'],
      errors: ['error', 'mistake'],
      subscriptions: ['^-!', '---^-!'],
    },
    {
      title: 'A cancel ends whichever stream runs',
      prose:
        'The consumer leaves while the alternative is on its way. Nothing is delivered and nothing else is tried.',
      setup: () => fallback([cache, 'x']),
      source: '       --#',
      consumers: ['    ^---!'],
      expected: '     -----',
      subscriptions: ['^-!'],
    },
  ],
};
