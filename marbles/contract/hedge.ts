import type { Section } from './rule.ts';

const HEDGE = 'test/hedge/hedge.test.ts';
const RACE = 'test/core/race.test.ts';
const PERCENTILE = 'test/hedge/latency-percentile.test.ts';

export const hedge: Section = {
  title: 'Hedge',
  rules: [
    {
      name: 'Another attempt joins one that is late',
      promise:
        'When it has not committed after the delay, and at once when it has failed. Never more than `maxHedges`, each after the delay of the one before.',
      shown: {
        hedge: [
          'Who is in time is left alone',
          'A second attempt joins the one that is late, and the first to speak wins',
          'An attempt that fails is followed at once',
          'maxHedges allows more than one, each after the delay of the one before',
          'Alternatives race against the source',
        ],
      },
    },
    {
      name: 'The delay may be a live percentile',
      promise:
        'Of the time that first attempts took to commit, within 1 %, in fixed memory, once enough of them are known; those that are beaten count as longer than the race, so that hedging does not improve its own percentile.',
      shown: { hedge: 'The delay may be a live percentile of past times' },
      tested: {
        [PERCENTILE]: [
          'the sketch keeps the promise of its source: every quantile within 1 %',
          'it knows the latest times alone, exactly',
          'says nothing before it knows enough, or what it is told to',
        ],
        [HEDGE]: 'of attempts that are beaten does not fall for its own success',
        because: 'a thousand times are a table, no picture',
      },
    },
    {
      name: 'The first to commit wins',
      promise:
        'An error, an empty stream, or one that only pings cannot win. Where nobody wins, the first to complete is believed.',
      shown: {
        hedge: [
          'The first attempt may still win',
          'An error cannot win',
          'An empty stream cannot win',
          'When nobody has won, the first to complete is believed',
          'commitOn says who has really spoken: a ping cannot win',
        ],
      },
    },
    {
      name: 'Losers are gone before the winner is heard',
      promise:
        'They are unsubscribed, neutral to the policies around them, and deliver nothing. The winner goes on to its own end.',
      shown: {
        hedge: [
          'A second attempt joins the one that is late, and the first to speak wins',
          'A loser is neutral to the policies around it',
          'After its first value the winner is alone',
        ],
      },
      tested: {
        [RACE]: 'has won: the others stop before its first value is delivered',
        because: 'a picture does not show the order within one moment',
      },
    },
    {
      name: 'All fail: one error',
      promise:
        'Of several attempts a `HedgeExhaustedError` with every error, the first as its cause; of a single one the error as it came. What no repetition cures is not repeated.',
      shown: {
        hedge: [
          'When all attempts fail, one error tells of all',
          'An error that no repetition cures is not hedged',
          'hedgeIf decides which errors are followed at once',
          'A retry around it begins the race anew',
        ],
      },
    },
    {
      name: 'A budget bounds the load',
      promise: 'Of its own, or one that is shared with retries.',
      shown: {
        hedge: 'A budget bounds what hedges add to the load',
        resilience: 'Retry and hedge spend from one budget',
      },
    },
    {
      name: 'A cancel ends all attempts',
      promise: 'At once, and no other begins.',
      shown: {
        hedge: ['Unsubscribing ends all attempts', 'Nobody gets the place of another attempt by a cancel'],
      },
    },
  ],
};
