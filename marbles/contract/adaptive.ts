import type { Section } from './rule.ts';

const THROTTLE = 'test/adaptive-throttle/adaptive-throttle.test.ts';

const LIMITER = 'test/adaptive-concurrency/adaptive-concurrency.test.ts';
const ALGORITHMS = 'test/adaptive-concurrency/algorithms.test.ts';

export const adaptiveConcurrency: Section = {
  title: 'Adaptive concurrency',
  rules: [
    {
      name: 'A bulkhead whose limit moves',
      promise:
        'It rises with what comes as fast as ever and falls with what is refused or late. Who waits starts when it rises; who has a place keeps it when it falls.',
      shown: {
        adaptiveConcurrency: [
          'A stream that finds a place runs at once',
          'A first value raises the limit',
          'A refusal lowers the limit',
          'A first value that comes too late lowers the limit',
          'A full queue refuses at once, and who waits too long is sent away',
        ],
      },
    },
    {
      name: 'Only what speaks of the limit is heard',
      promise:
        'What started after the last decision; a refusal, if it says that there is too much; a first value, if it commits. Who uses less than half of the limit has no need for more, and who leaves says nothing.',
      shown: {
        adaptiveConcurrency: [
          'Refusals of one moment are one reason',
          'Who does not use what there is gets no more',
          'Only what commits is a first value',
          'You can say which errors mean that it is too much',
          'Who leaves says nothing about the limit',
        ],
      },
    },
    {
      name: 'A floor and a ceiling',
      promise: 'The limit stays between `minLimit` and `maxLimit`, whatever the service says.',
      shown: { adaptiveConcurrency: 'The limit has a floor and a ceiling' },
      tested: {
        [ALGORITHMS]: 'whatever happens, %s stays within its bounds',
        because: 'of hundreds of random histories',
      },
    },
    {
      name: 'Algorithms that are known',
      promise: 'AIMD and the gradient give the numbers of their sources.',
      shown: { adaptiveConcurrency: 'At first half of the limit shows how fast the service is' },
      tested: {
        [ALGORITHMS]: ['the numbers of its source', 'the examples of its sources'],
        because: 'they are numbers, not marbles',
      },
    },
    {
      name: 'No place is lost',
      promise: 'However the limit moves: no lease, no waiter and no timer is left.',
      tested: {
        [LIMITER]: 'no lease, no waiter and no timer is left, and never more than the limit start',
        because: 'of five hundred random interleavings',
      },
    },
  ],
};

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
