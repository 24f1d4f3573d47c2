import type { Section } from './rule.ts';

const THROTTLE = 'test/adaptive-throttle/adaptive-throttle.test.ts';

export const adaptiveThrottle: Section = {
  title: 'Adaptive throttle',
  rules: [
    {
      name: 'As much is tried as the other side nearly takes',
      promise:
        'The probability to be turned away is `(requests − multiplier × accepts) / (requests + 1)` over the last `window`, and never more than `maxProbability`.',
      shown: {
        adaptiveThrottle: [
          'What is accepted is not throttled',
          'The more it refuses, the more is turned away here',
          'Two are tried for each that is accepted',
          'A lower multiplier is more considerate',
          'However bad it looks, some get through',
          'What is long ago is forgotten',
        ],
      },
      tested: {
        [THROTTLE]: [
          'with a multiplier of 2 the backend refuses one request for each that it takes, even in a large overload',
          'with a multiplier of 1.1 it refuses one for every ten',
        ],
        because: 'the numbers of the source are those of thousands of requests',
      },
    },
    {
      name: 'A request counts once',
      promise:
        'As accepted with its first value or its completion, as refused with an error that says so, and not at all when neither is known: what is under way, was cancelled, or was refused by another policy.',
      shown: {
        adaptiveThrottle: [
          'A request counts once it is known what became of it',
          'Only a refusal is a refusal',
          'Who leaves before it is known has not asked',
        ],
      },
      tested: {
        [THROTTLE]: 'adds up under whatever happens, and the probability stays one',
        because: 'of three hundred random interleavings',
      },
    },
  ],
};
