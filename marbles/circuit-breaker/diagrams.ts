import {
  BehaviorSubject,
  type MonoTypeOperatorFunction,
  map,
  type Observable,
  pipe,
  skip,
  startWith,
  switchMap,
  take,
  timer,
} from 'rxjs';
import {
  CircuitBreaker,
  type CircuitBreakerConfig,
  type CircuitState,
  circuitBreaker,
} from '../../src/circuit-breaker/index.ts';
import { BulkheadRejectedError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { again } from '../again.ts';
import type { Chapter } from '../diagram.ts';
import { sampled } from '../sampled.ts';

interface WatchedCircuit {
  readonly operator: MonoTypeOperatorFunction<string>;
  readonly lanes: { readonly circuit: Observable<CircuitState> };
}

function watched(config: CircuitBreakerConfig): WatchedCircuit {
  const breaker = new CircuitBreaker(config);
  return { operator: circuitBreaker(breaker), lanes: { circuit: breaker.state$ } };
}

const values = { c: 'closed', o: 'open', h: 'half-open' } satisfies Record<string, CircuitState>;

export const circuitBreakerChapter: Chapter = {
  operator: 'circuitBreaker',
  introduction:
    'A fuse for calls. While the other side keeps failing, nobody waits for it and nobody adds to its load; after a while a few probes find out whether it is well again.',
  written: (code) => code.replace('watched(', 'circuitBreaker('),
  diagrams: [
    {
      title: 'A stream passes through a closed circuit unchanged',
      prose: 'However many values it has, it is one call, and its end makes it a success.',
      setup: () => watched({ failureThreshold: 2 }),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'Failures in a row open the circuit, and then nobody calls',
      prose:
        'The errors themselves pass through. The third consumer is refused at once, and its source is never subscribed.',
      setup: () => watched({ failureThreshold: 2, recoveryTimeout: 10 }),
      source: ['    -#', '-#'],
      consumers: [' ^', '---^', '------^'],
      expected: ['  -#', '----#', '------#'],
      errors: ['error', 'error', 'CircuitOpenError'],
      subscriptions: ['^!', '---^!'],
      lanes: { circuit: { expected: 'c---o---------h', values } },
    },
    {
      title: 'A success ends the run of failures',
      prose: 'Two failures in a row would open this circuit. One, a success and one more do not.',
      setup: () => watched({ failureThreshold: 2 }),
      source: ['    -#', '-a|', '-#'],
      consumers: [' ^', '---^', '------^'],
      expected: ['  -#', '----a|', '-------#'],
      subscriptions: ['^!', '---^-!', '------^!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'A stream that starts well and breaks is a failure',
      prose:
        'Forty tokens and then an error are one failure, not forty successes: a call is judged by its end.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5 }),
      source: '       -(abcd)-#',
      expected: '     -(abcd)-#',
      subscriptions: ['^-------!'],
      lanes: { circuit: { expected: 'c-------o----h', values } },
    },
    {
      title: 'After the recovery time, probes that succeed close the circuit',
      prose:
        'The second consumer comes too early. The next two find the circuit half-open: they are the probes, and successThreshold of them are enough.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5, successThreshold: 2 }),
      source: ['    -#', '-a|', '-b|'],
      consumers: [' ^', '---^', '-------^', '----------^'],
      expected: ['  -#', '---#', '--------a|', '-----------b|'],
      errors: ['error', 'CircuitOpenError'],
      subscriptions: ['^!', '-------^-!', '----------^-!'],
      lanes: { circuit: { expected: 'co----h-----c', values } },
    },
    {
      title: 'A refusal says when to come back',
      prose: 'The error has it as retryAfter, and so has the event: 4 ms of the 5 are left, then 2.',
      setup() {
        const events = new EventBus();
        const rejected = events.on('circuit_rejected');
        return {
          operator: circuitBreaker({ failureThreshold: 1, recoveryTimeout: 5, events }),
          lanes: { 'come back in': rejected.pipe(map(({ data }) => `${data.retryAfter} ms`)) },
        };
      },
      source: '       -#',
      consumers: [' ^', '--^', '----^'],
      expected: ['  -#', '--#', '----#'],
      errors: ['error', 'CircuitOpenError', 'CircuitOpenError'],
      subscriptions: ['^!'],
      lanes: { 'come back in': { expected: '--4-2', values: { 4: '4 ms', 2: '2 ms' } } },
    },
    {
      title: 'With a recovery time of 0 the next call is the probe',
      prose: '0 is 0 and no default. No timer runs: the circuit is open until somebody calls.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 0, successThreshold: 1 }),
      source: ['    -#', '-a|'],
      consumers: [' ^', '----^'],
      expected: ['  -#', '-----a|'],
      subscriptions: ['^!', '----^-!'],
      lanes: { circuit: { expected: 'co--h-c', values } },
    },
    {
      title: 'One probe that fails opens the circuit again',
      prose: 'The recovery time starts anew.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5 }),
      source: ['    -#', '-#'],
      consumers: [' ^', '-------^', '----------^'],
      expected: ['  -#', '--------#', '----------#'],
      errors: ['error', 'error', 'CircuitOpenError'],
      subscriptions: ['^!', '-------^!'],
      lanes: { circuit: { expected: 'co----h-o----h', values } },
    },
    {
      title: 'Half-open, only so many probes run at a time',
      prose:
        'halfOpenMaxCalls is 1: who comes while the probe runs is refused, who comes after it gets the place. Otherwise the crowd that waited would fall upon a service that has barely come back.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5, halfOpenMaxCalls: 1 }),
      source: ['    -#', '---a|', '-b|'],
      consumers: [' ^', '------^', '-------^', '-----------^'],
      expected: ['  -#', '---------a|', '-------#', '------------b|'],
      errors: ['error', 'error', 'CircuitOpenError'],
      subscriptions: ['^!', '------^---!', '-----------^-!'],
      lanes: { circuit: { expected: 'co----h------c', values } },
    },
    {
      title: 'Six calls in the moment in which the wait ends are three probes',
      prose:
        'Three places are the default. Whoever comes first, the circuit becomes half-open once, and the other three are refused.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5 }),
      source: ['    -#', '--a|'],
      consumers: [' ^', '------^', '------^', '------^', '------^', '------^', '------^'],
      expected: ['  -#', '--------a|', '--------a|', '--------a|', '------#', '------#', '------#'],
      errors: [
        'error',
        'error',
        'error',
        'error',
        'CircuitOpenError',
        'CircuitOpenError',
        'CircuitOpenError',
      ],
      subscriptions: ['^!', '------^--!', '------^--!', '------^--!'],
      lanes: { circuit: { expected: 'co----h--c', values } },
    },
    {
      title: 'A probe has given its place back before its consumer hears of the end',
      prose:
        'Both consumers subscribe again the moment they hear of the end. The first finds the circuit open, as it should; the second gets the only place once more.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 5, halfOpenMaxCalls: 1 });
        return {
          operator: pipe(circuitBreaker(breaker), again),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: ['    -#', '--a|', '-b|'],
      consumers: [' ^', '-------^'],
      expected: ['  -#', '---------a-b|'],
      errors: ['CircuitOpenError'],
      subscriptions: ['^!', '-------^--!', '----------^-!'],
      lanes: { circuit: { expected: 'co----h-----c', values } },
    },
    {
      title: 'A probe that is cancelled says nothing and frees its place',
      prose: 'The user left; that is no news about the other side. The next consumer is the probe instead.',
      setup: () =>
        watched({ failureThreshold: 1, recoveryTimeout: 5, halfOpenMaxCalls: 1, successThreshold: 1 }),
      source: ['    -#', '-----a|', '-b|'],
      consumers: [' ^', '------^--!', '----------^'],
      expected: ['  -#', '----------', '-----------b|'],
      subscriptions: ['^!', '------^--!', '----------^-!'],
      lanes: { circuit: { expected: 'co----h-----c', values } },
    },
    {
      title: 'A probe that meets a mistake of the caller says nothing either',
      prose: 'Whatever is neutral frees the place and leaves the state as it is.',
      setup: () =>
        watched({ failureThreshold: 1, recoveryTimeout: 5, halfOpenMaxCalls: 1, successThreshold: 1 }),
      source: ['    -#', '-#', '-b|'],
      sourceErrors: ['error', { status: 401 }],
      consumers: [' ^', '-------^', '----------^'],
      expected: ['  -#', '--------#', '-----------b|'],
      errors: ['error', { status: 401 }],
      subscriptions: ['^!', '-------^!', '----------^-!'],
      lanes: { circuit: { expected: 'co----h-----c', values } },
    },
    {
      title: 'A call that began before the circuit opened cannot close it',
      prose:
        'The first stream began while the circuit was closed and completes while it is half-open. It asked the service as it was then: successThreshold is 1, and the circuit stays half-open.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5, successThreshold: 1 }),
      source: ['    ---------a|', '-#'],
      consumers: [' ^', '-^'],
      expected: ['  ---------a|', '--#'],
      subscriptions: ['^---------!', '-^!'],
      lanes: { circuit: { expected: 'c-o----h', values } },
    },
    {
      title: 'Nor can one that fails open it again',
      prose:
        'The first stream began before the circuit opened, and fails when a probe has closed it again. One failure opens this circuit; this one belongs to another time.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: 5, successThreshold: 1 }),
      source: ['    -----------#', '-#', '-a|'],
      consumers: [' ^', '-^', '-------^'],
      expected: ['  -----------#', '--#', '--------a|'],
      subscriptions: ['^----------!', '-^!', '-------^-!'],
      lanes: { circuit: { expected: 'c-o----h-c', values } },
    },
    {
      title: 'A probe that never ends cannot keep the circuit half-open',
      prose:
        'After halfOpenTimeout the circuit opens again. The probe itself goes on: its consumer decides about it.',
      setup: () =>
        watched({ failureThreshold: 1, recoveryTimeout: 5, halfOpenMaxCalls: 1, halfOpenTimeout: 4 }),
      source: ['    -#', '-----------'],
      consumers: [' ^', '-------^', '------------^'],
      expected: ['  -#', '-----------', '------------#'],
      errors: ['error', 'error', 'CircuitOpenError'],
      subscriptions: ['^!', '-------^'],
      lanes: { circuit: { expected: 'co----h----o----h', values } },
    },
    {
      title: 'The recovery time may grow while probes keep failing',
      prose:
        'recoveryTimeout is a function of how often the circuit has opened again: 2 ms, then 4, then 8. After a close it starts from the first again.',
      setup: () => watched({ failureThreshold: 1, recoveryTimeout: (reopenings) => 2 * 2 ** reopenings }),
      source: '       -#',
      consumers: [' ^', '----^', '----------^'],
      expected: ['  -#', '-----#', '-----------#'],
      subscriptions: ['^!', '----^!', '----------^!'],
      lanes: { circuit: { expected: 'co-h-o---h-o-------h', values } },
    },
    {
      title: 'After a close the recovery time is as short as at first',
      prose:
        'It was 2 ms and then 4. The second probe closes the circuit, and the next failure costs 2 ms again.',
      setup: () =>
        watched({
          failureThreshold: 1,
          successThreshold: 1,
          recoveryTimeout: (reopenings) => 2 + 2 * reopenings,
        }),
      source: ['    -#', '-#', '-|', '-#'],
      consumers: [' ^', '---^', '--------^', '----------^'],
      expected: ['  -#', '----#', '---------|', '-----------#'],
      subscriptions: ['^!', '---^!', '--------^!', '----------^!'],
      lanes: { circuit: { expected: 'co-ho---hc-o-h', values } },
    },
    {
      title: 'A mistake of the caller does not open the circuit',
      prose:
        'A wrong key (401) fails however well the service is. Such errors are neutral; classify says otherwise where you know better.',
      setup: () => watched({ failureThreshold: 1 }),
      source: '       -#',
      sourceErrors: [{ status: 401 }],
      expected: '     -#',
      errors: [{ status: 401 }],
      subscriptions: ['^!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'A refusal by another policy does not open the circuit',
      prose: 'A bulkhead below was full. Nothing was sent, so nothing is known about the other side.',
      setup: () => watched({ failureThreshold: 1 }),
      source: '       -#',
      sourceErrors: [new BulkheadRejectedError('images', 'queue-full', 'is full.')],
      expected: '     -#',
      errors: ['BulkheadRejectedError'],
      subscriptions: ['^!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'A mistake of the caller does not break a run of failures either',
      prose:
        'It says nothing about the other side, neither good nor bad: two failures open this circuit, whatever stands between them.',
      setup: () => watched({ failureThreshold: 2, recoveryTimeout: 5 }),
      source: '       -#',
      sourceErrors: ['error', { status: 401 }, 'error'],
      consumers: [' ^', '---^', '------^'],
      expected: ['  -#', '----#', '-------#'],
      errors: ['error', { status: 401 }, 'error'],
      subscriptions: ['^!', '---^!', '------^!'],
      lanes: { circuit: { expected: 'c------o----h', values } },
    },
    {
      title: 'By hand, a circuit is forced open until it is reset',
      prose:
        'For a maintenance, say. Nothing changes that state by itself, and to say so twice changes nothing either: the recovery time does not run. reset closes the circuit and forgets.',
      setup() {
        const breaker = new CircuitBreaker({ recoveryTimeout: 2 });
        timer(3, 2)
          .pipe(take(2))
          .subscribe(() => breaker.forceOpen());
        timer(9).subscribe(() => breaker.reset());
        return { operator: circuitBreaker(breaker), lanes: { circuit: breaker.state$ } };
      },
      source: '       -a|',
      consumers: [' ^', '------^', '-----------^'],
      expected: ['  -a|', '------#', '------------a|'],
      errors: ['error', 'CircuitOpenError', 'error'],
      subscriptions: ['^-!', '-----------^-!'],
      lanes: { circuit: { expected: 'c--f-----c', values: { ...values, f: 'forced-open' } } },
    },
    {
      title: 'By hand, a circuit is disabled and lets everything pass',
      prose: 'It counts nothing meanwhile: one failure is enough to open this circuit, and two do not.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 5 });
        timer(2).subscribe(() => breaker.disable());
        timer(8).subscribe(() => breaker.reset());
        return { operator: circuitBreaker(breaker), lanes: { circuit: breaker.state$ } };
      },
      source: '       -#',
      consumers: [' ---^', '-----^', '---------^'],
      expected: ['  ----#', '------#', '----------#'],
      subscriptions: ['---^!', '-----^!', '---------^!'],
      lanes: { circuit: { expected: 'c-d-----c-o----h', values: { ...values, d: 'disabled' } } },
    },
    {
      title: 'By hand, a circuit counts and never opens',
      prose:
        'metricsOnly is for trying a config on real traffic: one failure would open this circuit, and here are two. stats says what would have been.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        timer(2).subscribe(() => breaker.metricsOnly());
        return {
          operator: circuitBreaker(breaker),
          lanes: { circuit: breaker.state$, failures: sampled(() => breaker.stats.failureCount, 12) },
        };
      },
      source: ['    -#', '-#', '-a|'],
      consumers: [' ---^', '------^', '---------^'],
      expected: ['  ----#', '-------#', '----------a|'],
      subscriptions: ['---^!', '------^!', '---------^-!'],
      lanes: {
        circuit: { expected: 'c-m', values: { ...values, m: 'metrics-only' } },
        failures: { expected: '0---1--2' },
      },
    },
    {
      title: 'What is set by hand is not changed by a timer of before',
      prose: 'Open since 1 ms, it would be half-open at 6. It was reset at 3, and stays closed.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 5 });
        timer(3).subscribe(() => breaker.reset());
        return { operator: circuitBreaker(breaker), lanes: { circuit: breaker.state$ } };
      },
      source: ['    -#', '-a|'],
      consumers: [' ^', '-------^'],
      expected: ['  -#', '--------a|'],
      subscriptions: ['^!', '-------^-!'],
      lanes: { circuit: { expected: 'co-c', values } },
    },
    {
      title: 'A listener may act upon what it hears',
      prose:
        'It hears when the state has changed, and may change it again there and then. Everybody sees both changes, in their order.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        breaker.onStateChange(({ to }) => {
          if (to === 'open') breaker.reset();
        });
        return { operator: circuitBreaker(breaker), lanes: { circuit: breaker.state$ } };
      },
      source: '       -#',
      consumers: [' ^', '------^'],
      expected: ['  -#', '-------#'],
      subscriptions: ['^!', '------^!'],
      lanes: { circuit: { expected: 'c(oc)--(oc)', values } },
    },
    {
      title: 'A circuit moves to another process',
      prose:
        'Its snapshot is taken at 4 ms, safe as JSON, and another circuit is made of it. That one stays open for what was left, 5 of the 8 ms, and goes its own way from then on.',
      setup() {
        const config = { failureThreshold: 1, recoveryTimeout: 8, successThreshold: 1 };
        const here = new CircuitBreaker(config);
        const current = new BehaviorSubject(here);
        timer(4).subscribe(() => current.next(CircuitBreaker.restore(here.snapshot(), config)));
        return {
          operator: (source: Observable<string>) =>
            current.pipe(
              take(1),
              switchMap((breaker) => source.pipe(circuitBreaker(breaker))),
            ),
          lanes: {
            here: here.state$,
            there: current.pipe(
              skip(1),
              switchMap((breaker) => breaker.state$),
              startWith('not yet'),
            ),
          },
        };
      },
      source: ['    -#', '-a|'],
      consumers: [' ^', '------^', '----------^'],
      expected: ['  -#', '------#', '-----------a|'],
      errors: ['error', 'CircuitOpenError'],
      subscriptions: ['^!', '----------^-!'],
      lanes: {
        here: { expected: 'co-------h', values },
        there: { expected: 'n---o----h--c', values: { ...values, n: 'not yet' } },
      },
    },
    {
      title: 'classify says what an error means',
      prose:
        'A search that finds nothing answers with an error here, and yet the service is well: classify calls it a success, which ends the run of failures.',
      setup: () =>
        watched({
          failureThreshold: 2,
          recoveryTimeout: 5,
          classify: (error) => (error === 'not found' ? 'success' : 'failure'),
        }),
      source: '       -#',
      sourceErrors: ['error', 'not found'],
      consumers: [' ^', '---^', '------^'],
      expected: ['  -#', '----#', '-------#'],
      errors: ['error', 'not found', 'error'],
      subscriptions: ['^!', '---^!', '------^!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'ignore and record say the same with yes and no',
      prose:
        'What ignore accepts counts as nothing at all; of the others, record says which are failures. The first error is ignored, the second is a success, only the third opens the circuit.',
      setup: () =>
        watched({
          failureThreshold: 1,
          recoveryTimeout: 5,
          ignore: (error) => error === 'bad request',
          record: (error) => error !== 'not found',
        }),
      source: '       -#',
      sourceErrors: ['bad request', 'not found', 'error'],
      consumers: [' ^', '---^', '------^'],
      expected: ['  -#', '----#', '-------#'],
      errors: ['bad request', 'not found', 'error'],
      subscriptions: ['^!', '---^!', '------^!'],
      lanes: { circuit: { expected: 'c------o----h', values } },
    },
    {
      title: 'A rate opens the circuit where failures never come in a row',
      prose: 'Half of the last four calls failed. Before minimumCalls there is no rate at all.',
      setup: () =>
        watched({
          window: { type: 'count', size: 4, failureRate: 0.5, minimumCalls: 4 },
          recoveryTimeout: 5,
        }),
      source: ['    -#', '-|', '-#', '-|'],
      consumers: [' ^', '--^', '----^', '------^'],
      expected: ['  -#', '---|', '-----#', '-------|'],
      subscriptions: ['^!', '--^!', '----^!', '------^!'],
      lanes: { circuit: { expected: 'c------o----h', values } },
    },
    {
      title: 'A success may be the sample that opens the circuit',
      prose:
        'The rate is asked for after every call, once there are enough of them. Three of five have failed: at the fifth, which succeeds, that is 60 %.',
      setup: () =>
        watched({
          window: { type: 'count', size: 5, failureRate: 0.6, minimumCalls: 5 },
          recoveryTimeout: 5,
        }),
      source: ['    -#', '-#', '-#', '-|', '-|'],
      consumers: [' ^', '--^', '----^', '------^', '--------^'],
      expected: ['  -#', '---#', '-----#', '-------|', '---------|'],
      subscriptions: ['^!', '--^!', '----^!', '------^!', '--------^!'],
      lanes: { circuit: { expected: 'c--------o----h', values } },
    },
    {
      title: 'A call that still runs is in no rate',
      prose:
        'Nobody knows yet what it will be. Of the two that have ended, both failed, and that is all of them.',
      setup: () =>
        watched({
          window: { type: 'count', size: 4, failureRate: 1, minimumCalls: 2 },
          recoveryTimeout: 5,
        }),
      source: ['    -a-------|', '-#'],
      consumers: [' ^', '--^', '----^'],
      expected: ['  -a-------|', '---#', '-----#'],
      subscriptions: ['^--------!', '--^!', '----^!'],
      lanes: { circuit: { expected: 'c----o----h', values } },
    },
    {
      title: 'Slow calls open the circuit although they succeed',
      prose:
        'Here a call is slow when its first value takes longer than 3 ms; both streams answer in the end, but nobody should have to wait like that.',
      setup: () =>
        watched({
          window: { type: 'count', size: 2 },
          slowCall: { threshold: 3, measure: 'first' },
          recoveryTimeout: 5,
        }),
      source: ['    ----a|', '-----b|'],
      consumers: [' ^', '--^'],
      expected: ['  ----a|', '-------b|'],
      subscriptions: ['^----!', '--^-----!'],
      lanes: { circuit: { expected: 'c-------o----h', values } },
    },
    {
      title: 'A call that takes exactly as long as it may is not slow',
      prose: 'Slow is longer than the threshold of 3 ms: both calls are in time.',
      setup: () => watched({ window: { type: 'count', size: 2 }, slowCall: { threshold: 3 } }),
      source: '       ---|',
      consumers: [' ^', '--^'],
      expected: ['  ---|', '-----|'],
      subscriptions: ['^--!', '--^--!'],
      lanes: { circuit: { expected: 'c', values } },
    },
    {
      title: 'A time window forgets by the clock',
      prose:
        'When the third call fails, the first two have left the window of 10 ms: otherwise two failures of three would open the circuit there. With the fourth, two of two have failed.',
      setup: () =>
        watched({
          window: { type: 'time', duration: 10, buckets: 10, failureRate: 0.6, minimumCalls: 2 },
          recoveryTimeout: 5,
        }),
      source: ['    -#', '-|', '-#', '-#'],
      consumers: [' ^', '--^', '-------------^', '---------------^'],
      expected: ['  -#', '---|', '--------------#', '----------------#'],
      subscriptions: ['^!', '--^!', '-------------^!', '---------------^!'],
      lanes: { circuit: { expected: 'c---------------o----h', values } },
    },
    {
      title: 'Part of the calls may be slow',
      prose:
        'slowCall.rate is the share of slow calls that opens the circuit: here two of four. A call is slow here by its whole duration.',
      setup: () =>
        watched({
          window: { type: 'count', size: 4, minimumCalls: 4 },
          slowCall: { threshold: 3, rate: 0.5, measure: 'total' },
          recoveryTimeout: 5,
        }),
      source: ['    -----|', '-|', '-----|', '-|'],
      consumers: [' ^', '-^', '--^', '---------^'],
      expected: ['  -----|', '--|', '-------|', '----------|'],
      subscriptions: ['^----!', '-^!', '--^----!', '---------^!'],
      lanes: { circuit: { expected: 'c---------o----h', values } },
    },
    {
      title: 'Probes may be judged by a rate as well',
      prose:
        'With halfOpenSample one failure among the probes is not the end: of two, more than half would have to fail.',
      setup: () =>
        watched({
          failureThreshold: 1,
          recoveryTimeout: 5,
          halfOpenSample: { calls: 2, failureRate: 0.6 },
        }),
      source: ['    -#', '-#', '-a|'],
      consumers: [' ^', '-------^', '---------^'],
      expected: ['  -#', '--------#', '----------a|'],
      subscriptions: ['^!', '-------^!', '---------^-!'],
      lanes: { circuit: { expected: 'co----h----c', values } },
    },
    {
      title: 'The minimum of the window does not hold for probes',
      prose:
        'A rate of a closed circuit needs two calls here; one probe that succeeds is enough to close it.',
      setup: () =>
        watched({
          window: { type: 'count', size: 2, minimumCalls: 2 },
          recoveryTimeout: 5,
          successThreshold: 1,
        }),
      source: ['    -#', '-#', '-a|'],
      consumers: [' ^', '--^', '---------^'],
      expected: ['  -#', '---#', '----------a|'],
      subscriptions: ['^!', '--^!', '---------^-!'],
      lanes: { circuit: { expected: 'c--o----h--c', values } },
    },
  ],
};
