import type { Section } from './rule.ts';

const BREAKER = 'test/circuit-breaker/circuit-breaker.test.ts';
const WINDOWS = 'test/circuit-breaker/windows.test.ts';
const REGISTRY = 'test/circuit-breaker/registry.test.ts';

export const circuitBreaker: Section = {
  title: 'Circuit breaker',
  rules: [
    {
      name: 'One stream is one call, judged by its end',
      promise:
        'A completion is a success, also an empty one; an error is a failure, however many values came before. Values never count.',
      shown: {
        circuitBreaker: [
          'A stream passes through a closed circuit unchanged',
          'A stream that starts well and breaks is a failure',
          'A rate opens the circuit where failures never come in a row',
        ],
      },
    },
    {
      name: 'States',
      promise:
        'Closed, open and half-open by itself; forced open, disabled and metrics-only by hand. To be set to the state that it has is no change.',
      shown: {
        circuitBreaker: [
          'After the recovery time, probes that succeed close the circuit',
          'By hand, a circuit is forced open until it is reset',
          'By hand, a circuit is disabled and lets everything pass',
          'By hand, a circuit counts and never opens',
        ],
      },
      tested: {
        [BREAKER]: 'a transition to the state that it already has publishes nothing',
        because: 'for every one of the states',
      },
    },
    {
      name: 'A result belongs to the generation of its call',
      promise:
        'A call that began before the last change of state changes no count and no state, and gives no place to the probes of now.',
      shown: {
        circuitBreaker: [
          'A call that began before the circuit opened cannot close it',
          'Nor can one that fails open it again',
        ],
      },
      tested: {
        [BREAKER]: 'an older result gives no place to the probes of a later generation',
        because: 'for every pair of generations',
      },
    },
    {
      name: 'An error is a failure, a success, or neutral',
      promise:
        'Neutral counts nothing, gives the place back and does not break a run of failures. Mistakes of the caller are neutral by default; `ignore` beats `record`, `classify` says all.',
      shown: {
        circuitBreaker: [
          'A mistake of the caller does not open the circuit',
          'A mistake of the caller does not break a run of failures either',
          'classify says what an error means',
          'ignore and record say the same with yes and no',
        ],
      },
    },
    {
      name: 'Failures in a row open it',
      promise: 'As many as `failureThreshold`, and a success in between begins the count anew.',
      shown: {
        circuitBreaker: [
          'Failures in a row open the circuit, and then nobody calls',
          'A success ends the run of failures',
        ],
      },
    },
    {
      name: 'A rate opens it',
      promise:
        'Over the last calls or the last milliseconds, at the rate or above, asked after every outcome, so that a success may be the sample that opens. Below the minimum of calls there is no rate. Running and refused calls are in none.',
      shown: {
        circuitBreaker: [
          'A rate opens the circuit where failures never come in a row',
          'A success may be the sample that opens the circuit',
          'A call that still runs is in no rate',
        ],
      },
      tested: {
        [BREAKER]: [
          'below the minimum the rates are undefined, not 0',
          'calls in flight and refused ones are not in the denominator',
        ],
        because: 'a rate is a number to be asked for',
      },
    },
    {
      name: 'A time window forgets by the clock',
      promise:
        'Also after an hour of silence, and to record an outcome costs the same whatever the window holds.',
      shown: { circuitBreaker: 'A time window forgets by the clock' },
      tested: {
        [WINDOWS]: 'holds what a list of the outcomes in the last buckets holds, whatever the silences',
        because: 'against a naive list, for random silences',
      },
    },
    {
      name: 'Slow calls open it as well',
      promise:
        'A second rate, beside that of failures, over the time to the first value or to the end; slow is longer than the threshold.',
      shown: {
        circuitBreaker: [
          'Slow calls open the circuit although they succeed',
          'A call that takes exactly as long as it may is not slow',
          'Part of the calls may be slow',
        ],
      },
    },
    {
      name: 'Open, it refuses and says until when',
      promise:
        'With `CircuitOpenError`: the name, `retryAfter`, and the last failure as `cause`, whose chain does not grow with the refusals.',
      shown: {
        circuitBreaker: [
          'A refusal says when to come back',
          'Failures in a row open the circuit, and then nobody calls',
        ],
      },
      tested: {
        [BREAKER]: 'a hundred refusals do not lengthen the chain of causes',
        because: 'the fields of an error are no marbles',
      },
    },
    {
      name: 'The recovery time may grow',
      promise:
        'It is a number, or a function of how often the circuit has opened again: 0, 1, 2, and 0 again after a close. 0 is no wait.',
      shown: {
        circuitBreaker: [
          'The recovery time may grow while probes keep failing',
          'After a close the recovery time is as short as at first',
          'With a recovery time of 0 the next call is the probe',
        ],
      },
    },
    {
      name: 'Half-open, a few probes decide',
      promise:
        'So many at a time, the rest is refused. Enough successes close it, one failure opens it again, or a rate over the probes decides. Six calls in the moment in which the wait ends are one change of state and as many probes as there are places. The minimum of the window does not hold for them.',
      shown: {
        circuitBreaker: [
          'After the recovery time, probes that succeed close the circuit',
          'One probe that fails opens the circuit again',
          'Half-open, only so many probes run at a time',
          'Six calls in the moment in which the wait ends are three probes',
          'Probes may be judged by a rate as well',
          'The minimum of the window does not hold for probes',
        ],
      },
    },
    {
      name: 'No probe can wedge it',
      promise:
        'One that is neutral or cancelled frees its place and leaves the state; one that never ends opens the circuit again.',
      shown: {
        circuitBreaker: [
          'A probe that is cancelled says nothing and frees its place',
          'A probe that meets a mistake of the caller says nothing either',
          'A probe that never ends cannot keep the circuit half-open',
        ],
      },
    },
    {
      name: 'What is set by hand stays',
      promise: 'Every change by hand cancels what would have come by itself. `reset` closes and clears.',
      shown: {
        circuitBreaker: [
          'What is set by hand is not changed by a timer of before',
          'By hand, a circuit is forced open until it is reset',
        ],
      },
      tested: { [BREAKER]: 'reset closes and clears', because: 'counts are numbers to be asked for' },
    },
    {
      name: 'It moves to another process',
      promise: 'By a snapshot that is JSON. An open circuit stays open for what was left.',
      shown: { circuitBreaker: 'A circuit moves to another process' },
      tested: {
        'test/circuit-breaker/snapshot.test.ts': 'is safe as JSON in every state and satisfies its schema',
        because: 'for every state',
      },
    },
    {
      name: 'It tells how it is',
      promise: 'State, counts, rates, refusals, the last failure, since when it is open and for how long.',
      shown: { circuitBreaker: 'By hand, a circuit counts and never opens' },
      tested: {
        [BREAKER]: [
          'tell the last failure, also after successes',
          'while open tell what opened it, since when and for how long',
        ],
        because: 'they are numbers to be asked for',
      },
    },
    {
      name: 'A registry knows circuits by name',
      promise:
        'One circuit for all who ask for a name, capped, the idle ones forgotten first, and it tells who comes and goes.',
      tested: {
        [REGISTRY]: [
          'gives one circuit to all who ask for a name',
          'tells who comes and goes, after it has',
          'never forgets a circuit that is not closed or has a call in flight, and refuses the newcomer instead',
        ],
        because: 'it does nothing in time',
      },
    },
  ],
};
