import type { Section } from './rule.ts';

const RETRY = 'test/retry/retry-with-backoff.test.ts';
const BACKOFF = 'test/retry/backoff.test.ts';

export const retry: Section = {
  title: 'Retry with back-off',
  rules: [
    {
      name: 'maxRetries counts the extra attempts',
      promise: '3 means at most four subscriptions, for every subscription of the consumer anew.',
      shown: {
        retryWithBackoff: [
          'A failed source is subscribed again after a wait',
          'When the retries are used up, their last error is told',
          'Every subscription has all the retries',
        ],
      },
    },
    {
      name: 'The commit rule',
      promise:
        'After the first delivered value an error is not retried and goes downstream as it came, so nothing is delivered twice. `commitOn` says which values count.',
      shown: {
        retryWithBackoff: [
          'After the first delivered value an error is not retried',
          'commitOn says which values count',
        ],
        resilience: 'After the first value nothing starts again',
      },
    },
    {
      name: 'Unless the author says how to go on',
      promise:
        'From the start, behind what was delivered, behind a marker, or by a function that hears what happened.',
      shown: {
        retryWithBackoff: [
          'Resume by replaying from the start',
          'Resume by skipping what was delivered',
          'Resume behind a marker',
          'Resume in a way of your own',
        ],
      },
    },
    {
      name: 'Waits grow, and are bounded',
      promise:
        'Exponential, linear, fixed, jittered, full jitter, decorrelated jitter. Finite, not negative and within the cap for every attempt up to 100 000, jitter included.',
      shown: {
        retryWithBackoff: [
          'Every wait is twice as long as the one before',
          'Or every wait is longer by as much',
          'Jitter spreads the waits, by a source of chance that you may choose',
          'No wait is longer than maxDelay, whatever chance says',
        ],
      },
      tested: {
        [BACKOFF]: [
          'finite, not negative and at most the cap for every attempt up to 100 000',
          'decorrelated jitter grows from the delay before, not from the attempt',
        ],
        because: '100 000 numbers are a table, no picture',
      },
    },
    {
      name: "A server's own delay wins when it is longer",
      promise:
        'And where it is longer than `maxDelay` or than the time that is left, the retry gives up at once, so that a fallback can act.',
      shown: {
        retryWithBackoff: [
          "A server's own delay wins when it is longer",
          'A server that asks for too much patience is not asked again',
          'A wait that does not fit into the time left is not begun',
        ],
      },
    },
    {
      name: 'What is retried',
      promise: 'Errors of the named classes, those that the function accepts, by default all that may pass.',
      shown: {
        retryWithBackoff: [
          'An error that no repetition cures is not retried',
          'retryOn names the classes of errors that are retried',
          'retryIf decides by the error and the number of the attempt',
        ],
      },
    },
    {
      name: 'Why it gives up',
      promise:
        'Not retryable outranks attempts, attempts outrank the budget, the budget outranks time. Before any retry the error goes out as it came, after one inside a `RetryExhaustedError` that counts the attempts.',
      shown: {
        retryWithBackoff: [
          'An error that no repetition cures is not retried',
          'When the retries are used up, their last error is told',
        ],
      },
      tested: {
        [RETRY]: [
          'not retryable outranks attempts, attempts outrank time',
          'after retries it says how many attempts there were, why it gave up, and the last error',
        ],
        'test/retry/budget.test.ts': 'a budget refuses after the attempts, and before the time',
        because: 'what an error says stands in its fields',
      },
    },
    {
      name: 'A budget bounds all that share it',
      promise:
        'Every call pays once for a part of a retry, however many layers share the budget; every retry and every hedge takes a whole one; a floor a second is there without a payment, and what is not used expires. An empty budget never fails a first attempt.',
      shown: {
        retryWithBackoff: 'A budget bounds what all retries add to the load',
        hedge: 'A budget bounds what hedges add to the load',
        resilience: 'Retry and hedge spend from one budget',
      },
      tested: {
        'test/retry/budget.test.ts': [
          'that is empty refuses retries, and never a first attempt: its error goes out as it came',
          'is paid once for a call, however many layers share it',
        ],
        'test/core/retry-budget.test.ts': [
          'one retry for five requests, beside ten a second, of which ten seconds are there at once',
          'no stretch of time sees more retries than it, and the time to live before it, have paid for',
        ],
        because: 'hundreds of calls make no picture',
      },
    },
    {
      name: 'An open circuit is left alone',
      promise:
        'For as long as it says, if that fits, or for a back-off while its probes find out; else the retry gives up. It never spins.',
      shown: {
        retryWithBackoff: 'Behind an open circuit it waits until the circuit lets a probe through',
        resilience: [
          'The breaker sees every attempt',
          'Whoever finds the places of the probes taken waits once more',
        ],
      },
      tested: {
        [RETRY]: 'it is not retried without a wait, whatever retryIf says: %s',
        because: 'for every kind of refusal',
      },
    },
    {
      name: 'One event a retry',
      promise: 'Before its wait, with its number from 1 and the delay; none after the last attempt.',
      shown: {
        retryWithBackoff: [
          'Every wait is twice as long as the one before',
          'onRetry hears of every retry before its wait',
        ],
      },
    },
    {
      name: 'A total over all attempts and waits',
      promise: 'It counts from the subscription, and ends the attempt that is running.',
      shown: {
        retryWithBackoff: [
          'The total timeout ends all attempts and waits together',
          'A wait that does not fit into the time left is not begun',
        ],
      },
    },
    {
      name: 'A wait that is no time is an error',
      promise: 'NaN, negative, endless, or thrown: neither a hot loop nor an endless wait.',
      shown: { retryWithBackoff: 'A wait that is no time at all is an error, and no loop' },
      tested: {
        [RETRY]: [
          'a back-off that answers %s is an error, neither a hot loop nor an endless wait',
          'a back-off that throws is an error as well',
        ],
        because: 'for every value that is none',
      },
    },
  ],
};
