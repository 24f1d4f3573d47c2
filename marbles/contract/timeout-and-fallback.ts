import type { Section } from './rule.ts';

const TIMEOUT = 'test/timeout/timeout.test.ts';

export const timeout: Section = {
  title: 'Timeout',
  rules: [
    {
      name: 'Three clocks',
      promise:
        'To the first committing value, between two values, to the end. A plain number is the last of them, however busy the stream.',
      shown: {
        timeout: [
          'A number is the time for the whole stream',
          'first is the time to the first value',
          'A stream that does not begin in time fails',
          'each is the longest gap between two values',
          'With first, each begins with the first value',
          'A ping is no first value',
          'The strictest clock decides',
          'What arrives at the very moment is in time',
        ],
      },
    },
    {
      name: 'A timeout is an ordinary error',
      promise: 'It can be retried, falls back, and is a failure to a breaker.',
      shown: {
        timeout: 'A timeout is an ordinary error, so it can be retried',
        resilience: [
          'The breaker sees the timeout of an attempt',
          'The total ends an attempt that is under way',
        ],
      },
    },
    {
      name: 'A cancel is no timeout, nor the other way round',
      promise: 'The source is unsubscribed before anybody hears that a clock ran out.',
      shown: {
        timeout: [
          'A cancel is no timeout',
          'A timeout is announced',
          'The source has stopped before anybody hears of the timeout',
        ],
      },
      tested: {
        [TIMEOUT]: 'a cancel at the same moment is no timeout',
        because: 'in one moment, in either order',
      },
    },
    {
      name: 'One timer for all clocks',
      promise: 'A value moves a timestamp, not a timer.',
      tested: {
        [TIMEOUT]: 'there is one for all clocks, and none a value',
        because: 'timers are no marbles',
      },
    },
    {
      name: 'An answer instead of the error',
      promise: '`with` hears which clock ran out, and what it answers is not timed itself.',
      shown: {
        timeout: 'with answers instead of the error',
        resilience: 'timeout.with answers whichever clock ran out',
      },
    },
    {
      name: 'No limit that is none',
      promise: 'Limits of 0 or less are refused, and `Infinity` is none.',
      tested: {
        [TIMEOUT]: 'Infinity means none, and then there is no timer',
        because: 'timers are no marbles',
      },
    },
  ],
};

export const fallback: Section = {
  title: 'Fallback',
  rules: [
    {
      name: 'A value, a function, or a chain in order',
      promise:
        'Subscribed once, only after a handled failure, never for a cancel. A function hears the error, all errors, and how many values were emitted.',
      shown: {
        fallback: [
          'A stream that does not fail is left alone',
          'A value answers instead of an error',
          'A function makes the alternative when it is needed',
          'A chain is tried in order',
          'A function hears of every error so far',
          'A rejection by another policy is answered',
          'handle says which errors are answered',
          "The caller's own abort is not answered",
          'A cancel ends whichever stream runs',
        ],
      },
    },
    {
      name: 'Two answers are never mixed',
      promise:
        'After the first delivered value the error is delivered, also that of an alternative, unless `midStream` says how to go on.',
      shown: {
        fallback: [
          'After the first delivered value the error goes downstream',
          'The rule holds for the alternatives as well',
          'commitOn says which values count',
          'midStream lets an alternative go on behind what was delivered',
        ],
      },
    },
    {
      name: 'When all fail, every error is told',
      promise: '`FallbackExhaustedError` holds them in order, the first as its `cause`.',
      shown: { fallback: 'When the alternatives fail as well, every error is told' },
      tested: {
        'test/fallback/fallback.test.ts':
          'when all have failed, one error holds every error in order, the first as its cause',
        because: 'the fields of an error are no marbles',
      },
    },
  ],
};
