/** Whoever listens, and however badly, harms neither the calls nor the other listeners, and leaves nothing behind. */
import { config, materialize, of, Subject, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bridge,
  CircuitBreaker,
  consoleSink,
  EventBus,
  fixedBackoff,
  ReplayBuffer,
  type ResilienceEvent,
  resilience,
} from '../../src/index.ts';
import { failing, HELLO, resilient, says, scripted } from '../chat/scripted.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const CYCLES = 1_000;

beforeEach(() => {
  config.onUnhandledError = () => {};
});
afterEach(() => {
  config.onUnhandledError = null;
});

/** A call that has something to tell: what its consumer sees, and what a listener that only listens hears. */
function play(listen: (bus: EventBus) => void): { seen: unknown[]; heard: string[] } {
  const scheduler = new ManualScheduler();
  const events = new EventBus();
  const heard: string[] = [];
  listen(events);
  events.subscribe(({ type, attempt }) => heard.push(`${type} ${attempt}`));
  const common = { events, scheduler };
  const circuitBreaker = new CircuitBreaker({ ...common, failureThreshold: 2 });
  const guarded = resilience({
    ...common,
    circuitBreaker,
    retry: { maxRetries: 1, backoff: fixedBackoff(5), maxDelay: 100 },
    bulkhead: { maxConcurrent: 1 },
    timeout: { each: 10 },
    fallback: 'sorry',
  });
  const seen: unknown[] = [];
  let attempt = 0;
  const source = throwError(() => new Error(`boom ${++attempt}`));
  for (let call = 0; call < 3; call++)
    source
      .pipe(guarded, materialize())
      .subscribe(({ kind, value }) => seen.push([call, scheduler.now(), kind, value]));
  scheduler.advanceTo(100);
  circuitBreaker.reset();
  expect(scheduler.pending).toBe(0);
  return { seen, heard };
}

const quiet = play(() => {});

describe('a listener', () => {
  test.each<[string, (bus: EventBus) => void]>([
    [
      'that throws',
      (bus) =>
        bus.subscribe(() => {
          throw new Error('boom');
        }),
    ],
    [
      'that throws in an observer',
      (bus) =>
        bus.subscribe({
          next() {
            throw new Error('boom');
          },
        }),
    ],
    [
      'that throws behind operators',
      (bus) =>
        bus
          .on('state')
          .pipe(materialize())
          .subscribe(() => {
            throw new Error('boom');
          }),
    ],
    ['that completes the bus', (bus) => bus.subscribe(() => bus.complete())],
    ['that fails the bus', (bus) => bus.subscribe(() => bus.error(new Error('boom')))],
    ['that unsubscribes the bus', (bus) => bus.subscribe(() => bus.unsubscribe())],
    [
      'that unsubscribes itself',
      (bus) => {
        const subscription = bus.subscribe(() => subscription.unsubscribe());
      },
    ],
    [
      'that calls something of its own',
      (bus) =>
        bus.subscribe(() =>
          of(1)
            .pipe(resilience({ retry: 1, events: new EventBus() }))
            .subscribe(),
        ),
    ],
    [
      'that is a sink for a console that throws',
      (bus) =>
        bus.subscribe(
          consoleSink(
            {
              info() {
                throw new Error('boom');
              },
              warn() {
                throw new Error('boom');
              },
            },
            { scheduler: new ManualScheduler() },
          ),
        ),
    ],
  ])('%s', (_, listen) => {
    expect(play(listen)).toStrictEqual(quiet);
  });

  test('that announces something itself: all hear it, after what they are hearing', () => {
    const { seen, heard } = play((bus) => {
      bus.on('retry_attempted').subscribe(() => bus.publish('limiter_resumed', 'mine', {}));
      bus.on('limiter_resumed').subscribe(() => bus.publish('chaos_injected', 'mine', { fault: 'x' }));
    });
    expect(seen).toStrictEqual(quiet.seen);
    const own = (line: string): boolean => /limiter_resumed|chaos_injected/.test(line);
    expect(heard.filter((line) => !own(line))).toStrictEqual(quiet.heard);
    const retries = quiet.heard.filter((line) => line.startsWith('retry_attempted')).length;
    expect(heard.filter(own)).toHaveLength(2 * retries);
    expect(heard.filter(own)[0]).toBe('limiter_resumed undefined');
  });
});

test('1 000 listeners of every sort come and go, and leave no observer', async () => {
  const bus = new EventBus();
  const recent = new ReplayBuffer({ size: 10 });
  const scheduler = new ManualScheduler();
  const provider = resilient({
    provider: scripted('main', [failing('server'), says('a')]),
    retry: 1,
    scheduler,
    events: bus,
  });
  const recording = bus.subscribe(recent);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const listeners = [
      bus.subscribe(),
      bus.on('error').subscribe(),
      bus.asObservable().subscribe(),
      recent.subscribe(),
      bus.subscribe(consoleSink({ info() {}, warn() {} }, { scheduler })),
    ];
    const line = bridge(bus, new Subject(), { origin: 'here', scheduler });
    if (cycle % 100 === 0) provider.stream(HELLO).subscribe().unsubscribe();
    await line.close();
    for (const listener of listeners) listener.unsubscribe();
  }
  recording.unsubscribe();
  expect(bus.observed).toBe(false);
  expect(bus.observers).toHaveLength(0);
  scheduler.advanceTo(1);
  expect(scheduler.pending).toBe(0);
});

test('events are as they were announced: nobody can change what the next one hears', () => {
  const bus = new EventBus();
  const heard: ResilienceEvent[] = [];
  bus.subscribe((event) => heard.push(event));
  const error = new Error('boom');
  const errors = [error];
  bus.publish('fallback_exhausted', 'f', { errors });
  errors.push(new Error('later'));
  error.message = 'changed';
  expect(heard).toMatchObject([{ data: { errors: [{ message: 'boom' }] } }]);
});
