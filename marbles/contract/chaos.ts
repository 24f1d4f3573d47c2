import type { Section } from './rule.ts';

const CHAOS = 'test/chaos/chaos.test.ts';

export const chaos: Section = {
  title: 'Chaos',
  rules: [
    {
      name: 'Off unless switched on, and never in secret',
      promise: 'Whatever it does is an event; what it does not hit passes through untouched.',
      shown: {
        chaos: ['What is not switched on does nothing', 'Values can be wrong'],
      },
      tested: {
        [CHAOS]: 'a function is asked at every subscription',
        because: 'a switch that is thrown from outside has no place in a marble',
      },
    },
    {
      name: 'By chance, by number, by time',
      promise: 'All three have to agree; the same random numbers hit the same subscriptions.',
      shown: {
        chaos: [
          'Chance says who is hit',
          'A schedule says which subscriptions are hit',
          'A game day has a beginning and an end',
          'A range leaves the delay to chance',
        ],
      },
      tested: { [CHAOS]: 'the same seed hits the same', because: 'of a thousand subscriptions' },
    },
    {
      name: 'Everything that another side can do wrong',
      promise:
        'It refuses, breaks off, ends too early, falls silent, comes late, drags on or says something wrong. When it ends a stream, the source stops.',
      shown: {
        chaos: [
          'A request is refused at once',
          'A stream breaks after some values',
          'A stream ends as if it were whole',
          'A stream falls silent',
          'The first value comes late',
          'Every value takes longer than the one before',
          'Values can be wrong',
        ],
      },
    },
    {
      name: 'Nothing outlives the subscription',
      promise: 'A cancel ends the source, every delay and every stall.',
      shown: { chaos: ['Who leaves takes every delay along', 'A stream falls silent'] },
      tested: {
        [CHAOS]: 'leaves no timer and no source behind, and keeps the order of the values',
        because: 'of a thousand random interleavings',
      },
    },
  ],
};
