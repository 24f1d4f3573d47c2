import fc from 'fast-check';
import { concat, map, NEVER, Observable, of, range, Subject, take, throwError } from 'rxjs';
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  type ChaosConfig,
  CircuitBreaker,
  ConfigurationError,
  chaos,
  circuitBreaker,
  EventBus,
  isChaosError,
  isLocalRejection,
  retryWithBackoff,
} from '../../src/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let scheduler: ManualScheduler;
let events: EventBus;
beforeEach(() => {
  scheduler = new ManualScheduler();
  events = new EventBus();
});

/** What a stream shows until it ends. */
function shown(stream: Observable<unknown>): unknown[] {
  const seen: unknown[] = [];
  stream.subscribe({
    next: (value) => seen.push(value),
    error: (error) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return seen;
}
const on = (config: ChaosConfig<number, number>) =>
  chaos<number>({ enabled: true, scheduler, events, name: 'game-day', ...config });

describe('the switch', () => {
  it('is off by default, and then the source itself is what is subscribed', () => {
    const source = of(1);
    expect(source.pipe(chaos({ cut: 0 }))).toBe(source);
    expect(source.pipe(chaos({ cut: 0, enabled: false }))).toBe(source);
  });

  it('a function is asked at every subscription', () => {
    let enabled = false;
    const stream = of(1).pipe(on({ enabled: () => enabled, truncate: 0 }));
    expect(shown(stream)).toStrictEqual([1, 'complete']);
    enabled = true;
    expect(shown(stream)).toStrictEqual(['complete']);
    enabled = false;
    expect(shown(stream)).toStrictEqual([1, 'complete']);
  });

  it.each<[string, ChaosConfig<number, number>]>([
    ['enabled', { cut: 0, enabled: thrower }],
    ['attempts', { cut: 0, attempts: thrower }],
    ['random', { cut: 0, rate: 0.5, random: thrower }],
    ['corrupt', { corrupt: thrower }],
    ['error', { error: thrower }],
    ['a random delay', { latency: [1, 2], random: thrower }],
  ])('what a function throws is the error of that stream: %s', (_, config) => {
    expect(shown(of(1).pipe(on(config)))).toStrictEqual([new Error('thrown')]);
    expect(scheduler.pending).toBe(0);
  });

  function thrower(): never {
    throw new Error('thrown');
  }
});

describe('who is hit', () => {
  it('the same seed hits the same', () => {
    const hits = (seed: number): number[] => {
      const stream = of(1).pipe(on({ rate: 0.2, truncate: 0, random: seededRandom(seed) }));
      return Array.from({ length: 1_000 }, (_, index) => index).filter(() => shown(stream).length === 1);
    };
    expect(hits(1)).toStrictEqual(hits(1));
    expect(hits(1)).not.toStrictEqual(hits(2));
    expect(hits(1).length).toBeGreaterThan(150);
    expect(hits(1).length).toBeLessThan(250);
  });

  it('a rate of 0 hits nobody, and one of 1 all, whatever the dice say', () => {
    expect(shown(of(1).pipe(on({ rate: 0, cut: 0, random: () => 0 })))).toStrictEqual([1, 'complete']);
    expect(shown(of(1).pipe(on({ rate: 1, truncate: 0, random: () => 1 })))).toStrictEqual(['complete']);
  });

  it('attempts may be a function', () => {
    const stream = of(1).pipe(on({ attempts: (attempt) => attempt % 2 === 0, truncate: 0 }));
    expect([shown(stream), shown(stream), shown(stream)]).toStrictEqual([
      [1, 'complete'],
      ['complete'],
      [1, 'complete'],
    ]);
  });

  it('times count from when the operator was made', () => {
    scheduler.advanceTo(1_000);
    const stream = of(1).pipe(on({ from: 10, until: 20, truncate: 0 }));
    const hit = [1_009, 1_010, 1_019, 1_020].filter((time) => {
      scheduler.advanceTo(time);
      return shown(stream).length === 1;
    });
    expect(hit).toStrictEqual([1_010, 1_019]);
  });
});

describe('what happens', () => {
  it('a cut is a failure to everybody, and no local rejection', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, scheduler, events });
    const [error] = shown(of(1).pipe(on({ cut: 0 }), circuitBreaker(breaker)));
    expect(isChaosError(error)).toBe(true);
    expect(isLocalRejection(error)).toBe(false);
    expect((error as Error).message).toBe('Chaos "game-day" broke the stream on purpose.');
    expect(breaker.state).toBe('open');
    expect(
      shown(of(1).pipe(on({ attempts: [1], cut: 0 }), retryWithBackoff({ backoff: () => 0, scheduler }))),
    ).toStrictEqual([1, 'complete']);
  });

  it('an error can be a value or made anew, and with a cut it comes later', () => {
    let made = 0;
    const stream = range(1, 5).pipe(on({ error: () => `error ${++made}`, cut: 2 }));
    expect([shown(stream), shown(stream)]).toStrictEqual([
      [1, 2, 'error 1'],
      [1, 2, 'error 2'],
    ]);
    expect(shown(of(1).pipe(on({ error: 'refused' })))).toStrictEqual(['refused']);
  });

  it.each<[string, ChaosConfig<number, number>]>([
    ['cut', { cut: 2 }],
    ['truncated', { truncate: 2 }],
    ['stalled', { stall: 2 }],
  ])('a synchronous source stops when it is %s', (_, config) => {
    let produced = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed) subscriber.next(produced++);
    });
    expect(shown(endless.pipe(on(config))).slice(0, 2)).toStrictEqual([0, 1]);
    expect(produced).toBe(2);
    shown(endless.pipe(on({ gap: 1 }), take(1)));
    expect([produced, scheduler.pending]).toStrictEqual([3, 0]);
  });

  it('a stream that ends before its end on purpose ends as it would', () => {
    expect(shown(of(1).pipe(on({ cut: 3 })))).toStrictEqual([1, 'complete']);
    expect(
      shown(
        concat(
          of(1),
          throwError(() => 'broken'),
        ).pipe(on({ stall: 3 })),
      ),
    ).toStrictEqual([1, 'broken']);
  });

  it('an empty stream, an error and a refusal are late as well', () => {
    const streams = [
      of<number>().pipe(on({ latency: 5 })),
      throwError(() => 'broken').pipe(on({ latency: 5 })),
      of(1).pipe(on({ latency: 5, error: 'refused' })),
      of(1).pipe(on({ latency: 5, truncate: 0 })),
    ].map(shown);
    scheduler.advanceTo(4);
    expect(streams).toStrictEqual([[], [], [], []]);
    scheduler.advanceTo(5);
    expect(streams).toStrictEqual([['complete'], ['broken'], ['refused'], ['complete']]);
  });

  it('what was said before a cut arrives before it, with one timer for all', () => {
    const seen = shown(range(1, 9).pipe(on({ gap: 10, cut: 3, error: 'cut' })));
    expect([seen, scheduler.pending]).toStrictEqual([[1], 1]);
    scheduler.advanceTo(10);
    expect([seen, scheduler.pending]).toStrictEqual([[1, 2], 1]);
    scheduler.advanceTo(20);
    expect([seen, scheduler.pending]).toStrictEqual([[1, 2, 3, 'cut'], 0]);
  });

  it('a consumer that leaves at the last value before a cut hears of none, and nor does the bus', () => {
    const faults: string[] = [];
    events.on('chaos_injected').subscribe(({ data }) => faults.push(data.fault));
    expect(shown(range(1, 9).pipe(on({ cut: 2 }), take(2)))).toStrictEqual([1, 2, 'complete']);
    expect(faults).toStrictEqual([]);
  });

  it('is announced with its delay', () => {
    const announced: unknown[] = [];
    events.on('chaos').subscribe(({ type, source, data }) => announced.push([type, source, data]));
    shown(of(1, 2).pipe(on({ latency: [10, 20], random: () => 0.5, stall: 1 })));
    scheduler.advanceTo(20);
    expect(announced).toStrictEqual([
      ['chaos_injected', 'game-day', { fault: 'latency', delay: 15 }],
      ['chaos_injected', 'game-day', { fault: 'stall', delay: undefined }],
    ]);
  });

  it('a source that speaks while it is being heard keeps its order', () => {
    const source = new Subject<number>();
    const seen: number[] = [];
    source.pipe(on({ latency: 1 })).subscribe((value) => {
      seen.push(value);
      if (value < 3) source.next(value + 1);
    });
    source.next(1);
    scheduler.advanceTo(5);
    expect([seen, scheduler.pending]).toStrictEqual([[1, 2, 3], 0]);
  });
});

describe('a config', () => {
  it.each<[ChaosConfig, string]>([
    [
      {},
      'config must hold at least one of "latency", "gap", "corrupt", "cut", "error", "truncate" and "stall"',
    ],
    [
      { cut: 1, stall: 1 },
      'config must hold only one of "cut" or "error", "truncate" and "stall": a stream ends once',
    ],
    [{ cut: -1 }, 'option "cut" must be a whole number of at least 0, got -1'],
    [
      { latency: [5, 2] },
      'option "latency" must be milliseconds, or a range of them such as [50, 200], got an array of 2',
    ],
    [{ gap: -1 }, 'option "gap" must be milliseconds, or a range of them such as [50, 200], got -1'],
    [{ cut: 1, rate: 1.5 }, 'option "rate" must be at least 0 and at most 1, got 1.5'],
    [{ cut: 1, from: 5, until: 5 }, 'option "from" must be before "until": nothing could ever be hit, got 5'],
    [{ cut: 1, attempts: [0] }, 'option "attempts.0" must be a whole number of at least 1, got 0'],
    [{ cut: 1, enabled: 'yes' as never }, 'option "enabled" must be true or false, or a function, got "yes"'],
  ])('%o is refused at once, also when it is off', (config, message) => {
    expect(() => chaos(config)).toThrow(ConfigurationError);
    expect(() => chaos(config)).toThrow(`chaos: ${message}`);
  });

  it('lets the values keep their type, unless they are corrupted', () => {
    const transparent = chaos({ cut: 1 });
    expectTypeOf(of(1).pipe(transparent)).toEqualTypeOf<Observable<number>>();
    expectTypeOf(of('a').pipe(transparent)).toEqualTypeOf<Observable<string>>();
    expectTypeOf(of(1).pipe(chaos({ corrupt: (value: number) => `${value}` }))).toEqualTypeOf<
      Observable<number | string>
    >();
    expectTypeOf(of(1).pipe(chaos({ corrupt: (value) => value + 1 }))).toEqualTypeOf<Observable<number>>();
  });
});

it('leaves no timer and no source behind, and keeps the order of the values', () => {
  const delay = fc.constantFrom(undefined, 0, 1, 5, [1, 4] as const);
  const configs = fc.record({
    latency: delay,
    gap: delay,
    end: fc.constantFrom(
      {},
      { cut: 0 },
      { cut: 2 },
      { truncate: 1 },
      { stall: 0 },
      { stall: 2 },
      { error: 'x' },
    ),
    rate: fc.constantFrom(1, 0.5),
  });
  const steps = fc.array(
    fc.record({ after: fc.nat(4), kind: fc.constantFrom('value', 'value', 'error', 'end') }),
    {
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(
      configs,
      steps,
      fc.option(fc.nat(20)),
      fc.nat(),
      ({ end, ...config }, script, cancelAt, seed) => {
        const time = new ManualScheduler();
        let open = 0;
        const source = new Observable<number>((subscriber) => {
          open++;
          let at = 0;
          for (const [index, { after, kind }] of script.entries()) {
            at += after;
            subscriber.add(
              time.schedule(() => {
                if (kind === 'value') subscriber.next(index);
                else if (kind === 'error') subscriber.error('broken');
                else subscriber.complete();
              }, at),
            );
          }
          return () => open--;
        });
        const seen: number[] = [];
        let over = 0;
        const stream = source.pipe(
          chaos({
            enabled: true,
            corrupt: (value: number) => value,
            ...config,
            ...end,
            scheduler: time,
            events,
            random: seededRandom(seed),
          }),
          map((value) => value),
        );
        const subscription = stream.subscribe({
          next: (value) => {
            if (over > 0) throw new Error('a value after the end');
            seen.push(value);
          },
          error: () => over++,
          complete: () => over++,
        });
        if (cancelAt !== null) time.advanceTo(cancelAt);
        else time.advanceTo(200);
        subscription.unsubscribe();
        expect([over <= 1, open, seen]).toStrictEqual([true, 0, [...seen].sort((one, other) => one - other)]);
        time.advanceTo(1_000);
        expect(time.pending).toBe(0);
      },
    ),
    { numRuns: 1_000 },
  );
});

it('a stall holds nothing but its consumer', () => {
  const subscription = NEVER.pipe(chaos({ enabled: true, stall: 0, scheduler })).subscribe();
  expect(scheduler.pending).toBe(0);
  subscription.unsubscribe();
  expect(subscription.closed).toBe(true);
});
