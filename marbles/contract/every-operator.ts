import type { Section } from './rule.ts';

const ADMISSION = 'test/core/admission.test.ts';
const CLOCK = 'test/core/clock.test.ts';
const CONFIG = 'test/core/config.test.ts';
const INTERLEAVINGS = 'test/promise/interleavings.test.ts';
const RECOVERY = 'test/core/recovery.test.ts';
const REGISTRY = 'test/circuit-breaker/registry.test.ts';

export const everyOperator: Section = {
  title: 'Every operator',
  rules: [
    {
      name: 'Who has nothing to do is not seen',
      promise: 'Nothing is added, delayed or dropped, and an error passes as it is.',
      shown: {
        resilience: 'A stream that has no trouble is not touched',
        timeout: ['A stream that is in time is left alone', 'A failure of the source is passed on as it is'],
        retryWithBackoff: 'A stream that does not fail is left alone',
      },
    },
    {
      name: 'Nothing happens before the subscription',
      promise:
        'Leases, timers and subscriptions begin with a subscription and belong to it: two subscriptions take two leases, none takes none.',
      shown: {
        resilience:
          'Nothing happens before the subscription, and every subscription is an attempt of its own',
        retryWithBackoff: 'Every subscription has all the retries',
      },
    },
    {
      name: 'Shared state is an object that you make',
      promise:
        'Operators that are given one breaker, bulkhead or limiter share it. An operator that is given a plain config makes such an object once, when it is made itself.',
      shown: {
        bulkhead: ['Operators that are given one bulkhead share its places', 'A full queue refuses at once'],
      },
      tested: {
        'test/pipeline/resilience.test.ts': 'makes its objects once, when the operator is created',
        because: 'when something is made, before any time has passed, is no matter of time',
      },
    },
    {
      name: 'A refused attempt never reaches the source',
      promise: 'Whoever is refused costs the other side nothing.',
      shown: {
        circuitBreaker: 'Failures in a row open the circuit, and then nobody calls',
        bulkhead: 'A full queue refuses at once',
        rateLimit: 'A full line refuses at once',
      },
    },
    {
      name: 'Release, then notify',
      promise:
        'At its end a stream settles its lease, stops its clocks and leaves its line, and only then does the consumer hear of the end. Whoever subscribes again there and then finds the place free.',
      shown: {
        bulkhead: [
          'The place is free again before the consumer hears of the end',
          'Also when the end is a completion',
        ],
        circuitBreaker: 'A probe has given its place back before its consumer hears of the end',
        timeout: 'The source has stopped before anybody hears of the timeout',
      },
    },
    {
      name: 'Every exit settles once',
      promise:
        'Completion, error, unsubscribing, unsubscribing inside the first value, a subscribe function or a callback that throws: each gives everything back, once.',
      shown: {
        bulkhead: [
          'A consumer that has had enough gives its place back',
          'A cancelled stream gives its place to the next in line',
          'Who leaves the queue costs nobody a place',
        ],
      },
      tested: {
        [ADMISSION]: 'every exit settles exactly once',
        [INTERLEAVINGS]: 'random interleavings leave nothing behind and show nobody a wrong stream',
        because: 'thousands of random interleavings say more than a picture of one',
      },
    },
    {
      name: 'A cancel is neutral',
      promise:
        'Unsubscribing is no failure and no success, causes no retry, no fallback and no event that tells of a failure, and reaches the source at once: also in a line, in a back-off, between two providers.',
      shown: {
        resilience: [
          'A cancel ends an attempt, and is neutral',
          'A cancel ends a back-off',
          'A cancel leaves the line',
        ],
        circuitBreaker: 'A probe that is cancelled says nothing and frees its place',
        timeout: 'A cancel is no timeout',
        fallback: 'A cancel ends whichever stream runs',
        retryWithBackoff: 'A cancel ends the wait',
        ResilientProvider: 'A cancelled call stops at once, and nobody else is asked',
      },
    },
    {
      name: 'A refusal is no failure',
      promise: 'What one policy refuses says nothing about the other side, and is neutral for all others.',
      shown: {
        resilience: 'A refusal is no failure',
        circuitBreaker: 'A refusal by another policy does not open the circuit',
        rateLimit: 'What was refused by another policy was not sent and costs no permit',
      },
    },
    {
      name: 'One clock',
      promise:
        'Time comes from the scheduler alone, so it is virtual in a marble test and under fake timers. A wall clock that jumps moves no deadline; a delay beyond 2^31 ms is not early; a delay of 0 uses no timer; no timer keeps a process alive that has nothing else to do.',
      shown: { retryWithBackoff: 'A wait of 0 is none' },
      tested: {
        [CLOCK]: [
          'a wall clock that jumps by an hour moves no reading and no deadline',
          'a delay of 30 days, which the host would fire at once, takes 30 days',
          'a background task does not keep a process alive, any other does',
        ],
        because: 'virtual time has neither a wall clock, nor timers of 32 bits, nor a process',
      },
    },
    {
      name: 'Chance is given from outside',
      promise: '`random` gives numbers in [0, 1), so a test repeats what chance did.',
      shown: {
        retryWithBackoff: 'Jitter spreads the waits, by a source of chance that you may choose',
        resilience: 'One source of chance for all parts',
      },
    },
    {
      name: 'A callback that throws is an error of its stream',
      promise:
        'Never a hang and never an uncaught exception. A listener that throws changes nothing: not the value, not the state, not the other listeners.',
      shown: {
        retryWithBackoff: [
          'What a callback throws is the error of the stream',
          'But a listener that throws changes nothing',
        ],
      },
      tested: {
        'test/circuit-breaker/operator.test.ts': 'what classify throws becomes the error of the stream',
        'test/core/ordered-subject.test.ts': 'a listener that throws harms nobody',
        because: 'what does not happen to the process, no picture shows',
      },
    },
    {
      name: 'Listeners hear what has happened, in one order',
      promise:
        'They run when the state has changed, and may change it again: everybody sees all changes in one order.',
      shown: {
        circuitBreaker: 'A listener may act upon what it hears',
        resilience: 'The bus tells the story of a call',
      },
      tested: {
        'test/core/ordered-subject.test.ts':
          'a listener that publishes while it is told changes the order for nobody',
        because: 'what two listeners hear in one moment stands at one place of a picture',
      },
    },
    {
      name: 'A bad option throws at once',
      promise:
        'When the operator or the object is made, by name and with the value; never at the subscription. 0 is never a default. NaN, negative numbers and options that contradict each other are refused.',
      tested: {
        [CONFIG]: [
          'a refusal names the option and the value',
          '0 is never replaced by a default, what is missing or undefined is',
        ],
        'test/circuit-breaker/circuit-breaker.test.ts': 'bad configuration is refused by name',
        'test/retry/retry-with-backoff.test.ts': 'bad configuration is refused by name and value',
        because: 'nothing of it happens in time',
      },
    },
    {
      name: 'Synchronous sources stop when they are told',
      promise:
        'take(3) stops a source of 100 000 synchronous values at the third, and 100 000 synchronous retries do not overflow the stack.',
      tested: {
        [ADMISSION]: 'take(3) stops a source of 100 000 values at 3',
        [RECOVERY]: [
          'take(3) stops a synchronous attempt at 3',
          '100 000 that fail at once do not overflow the stack',
        ],
        'test/pipeline/resilience.test.ts': 'stops a synchronous source of 100 000 values at take(3)',
        because: 'marbles are never synchronous: each value is a task of the clock',
      },
    },
    {
      name: 'No unhandled rejection, no uncaught exception',
      promise: 'Not from an attempt that was refused, cancelled or timed out, either.',
      tested: {
        'test/pipeline/protect.test.ts': 'swallows the rejection of an attempt that was given up',
        'test/interop/signals.test.ts':
          'is cancelled from inside the function without an unhandled rejection',
        'test/core/ordered-subject.test.ts':
          'onUnhandledError that throws itself does not stop the announcements',
        because: 'promises are invisible to virtual time',
      },
    },
    {
      name: 'Memory is bounded',
      promise: 'Registries have a cap, windows a size, and nothing of an ended stream is kept.',
      tested: {
        [REGISTRY]: 'forgets the idle circuit that nobody has asked for the longest time',
        [RECOVERY]: 'no error and no value of an ended stream is kept by who kept its subscriber',
        [ADMISSION]: 'nothing of an ended stream is kept by who kept its subscriber',
        'test/core/waiting-line.test.ts': 'a place that was left keeps nobody of the line alive',
        because: 'memory is no matter of time',
      },
    },
  ],
};
