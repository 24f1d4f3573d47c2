import * as fc from 'fast-check';
import {
  concat,
  config,
  defer,
  EMPTY,
  finalize,
  map,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  Subscriber,
  type Subscription,
  take,
  takeUntil,
  throwError,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test, vi } from 'vitest';
import { admission } from '../../src/core/admission.ts';
import {
  type AdmissionPolicy,
  type Applicant,
  Lease,
  type Outcome,
  type Place,
} from '../../src/core/lease.ts';
import type { TransparentOperator } from '../../src/core/operator-types.ts';
import { WaitingLine } from '../../src/core/waiting-line.ts';

const boom = new Error('boom');
const full = new Error('full');
const changedItsMind = new Error('changed its mind');

/** A policy whose every decision and settlement is written down. */
class Gate implements AdmissionPolicy {
  active = 0;
  refuses = false;
  refusesToStart = false;
  onAdmit = (_applicant: Applicant): void => {};
  onStart = (): void => {};
  onFirstValue = (): void => {};
  onSettled = (_outcome: Outcome): void => {};
  readonly line = new WaitingLine(() => {});
  readonly settled: string[] = [];
  #draining = false;

  constructor(
    readonly capacity = 1,
    readonly name = 'gate',
    readonly log: string[] = [],
    readonly maxQueue = 100,
  ) {}

  admit(applicant: Applicant): Lease | Place | Error {
    this.log.push(`${this.name} asked`);
    if (this.refuses) return full;
    const admitted = this.active < this.capacity && this.line.size === 0;
    if (!admitted && this.line.size >= this.maxQueue) return full;
    const answer = admitted
      ? this.#lease()
      : this.line.join({ applicant, priority: 0, since: 0, patience: Infinity, load: [1] });
    this.onAdmit(applicant);
    return answer;
  }

  #lease(): Lease {
    this.active++;
    return new GateLease(this);
  }

  settle(outcome: Outcome, error: unknown): void {
    this.active--;
    const what = outcome === 'failure' ? `failure ${(error as Error).message}` : outcome;
    this.settled.push(what);
    this.log.push(`${this.name} ${what}`);
    this.onSettled(outcome);
    if (this.#draining) return;
    this.#draining = true;
    while (this.active < this.capacity && this.line.size > 0) this.line.shift()?.granted(this.#lease());
    this.#draining = false;
  }

  /** Sends the first in line away. */
  dismiss(): void {
    this.line.shift()?.refused(() => full);
  }
}

class GateLease extends Lease {
  constructor(readonly gate: Gate) {
    super();
  }
  override start(): Error | undefined {
    this.gate.log.push(`${this.gate.name} started`);
    this.gate.onStart();
    return this.gate.refusesToStart ? changedItsMind : undefined;
  }
  override firstValue(): void {
    this.gate.log.push(`${this.gate.name} first value`);
    this.gate.onFirstValue();
  }
  protected override onSettled(outcome: Outcome, error?: unknown): void {
    this.gate.settle(outcome, error);
  }
}

/** Writes down what a consumer hears. */
function listen(source: Observable<unknown>, log: string[]): Subscription {
  return source.subscribe({
    next: (value) => log.push(`value ${String(value)}`),
    error: (error: Error) => log.push(`error ${error.message}`),
    complete: () => log.push('complete'),
  });
}

/** A source that writes down when it starts and stops. */
const noisy = (source: Observable<unknown>, log: string[]): Observable<unknown> =>
  new Observable((subscriber) => {
    log.push('source starts');
    subscriber.add(() => log.push('source stops'));
    return source.subscribe(subscriber);
  });

describe('a lease is taken for every subscription, and only then', () => {
  test('nothing is asked at assembly', () => {
    const gate = new Gate();
    NEVER.pipe(admission(gate));
    expect(gate.log).toStrictEqual([]);
  });

  test('subscribing twice takes two', () => {
    const gate = new Gate(2);
    const admitted = NEVER.pipe(admission(gate));
    admitted.subscribe();
    admitted.subscribe();
    expect(gate.active).toBe(2);
  });

  test('who has left already takes none', () => {
    const gate = new Gate();
    const gone = new Subscriber<number>();
    gone.unsubscribe();
    const ignored = vi.fn();
    config.onStoppedNotification = ignored;
    vi.useFakeTimers();
    of(1).pipe(admission(gate)).subscribe(gone);
    vi.runAllTimers();
    vi.useRealTimers();
    config.onStoppedNotification = null;
    expect(gate.log).toStrictEqual([]);
    expect(ignored).not.toHaveBeenCalled();
  });
});

describe('every exit settles exactly once', () => {
  const outcomes: [string, (gate: Gate) => void, string[]][] = [
    ['complete', (gate) => listen(of(1).pipe(admission(gate)), []), ['success']],
    ['complete without a value', (gate) => listen(EMPTY.pipe(admission(gate)), []), ['success']],
    ['error', (gate) => listen(throwError(() => boom).pipe(admission(gate)), []), ['failure boom']],
    [
      'error after values',
      (gate) =>
        listen(
          concat(
            of(1),
            throwError(() => boom),
          ).pipe(admission(gate)),
          [],
        ),
      ['failure boom'],
    ],
    ['unsubscribe', (gate) => listen(NEVER.pipe(admission(gate)), []).unsubscribe(), ['neutral']],
    [
      'unsubscribe twice',
      (gate) => {
        const subscription = listen(NEVER.pipe(admission(gate)), []);
        subscription.unsubscribe();
        subscription.unsubscribe();
      },
      ['neutral'],
    ],
    [
      'unsubscribe inside the first next',
      (gate) => listen(range(1, 9).pipe(admission(gate), take(1)), []),
      ['neutral'],
    ],
    [
      'a subscribe function that throws',
      (gate) =>
        listen(
          new Observable(() => {
            throw boom;
          }).pipe(admission(gate)),
          [],
        ),
      ['failure boom'],
    ],
    [
      'a subscribe function that throws after a value',
      (gate) =>
        listen(
          new Observable((subscriber) => {
            subscriber.next(1);
            throw boom;
          }).pipe(admission(gate)),
          [],
        ),
      ['failure boom'],
    ],
    [
      'a subscribe function that throws after its end',
      (gate) =>
        listen(
          new Observable((subscriber) => {
            subscriber.complete();
            throw boom;
          }).pipe(admission(gate)),
          [],
        ),
      ['success'],
    ],
    [
      'a source that goes on after its end',
      (gate) =>
        listen(
          new Observable<number>((subscriber) => {
            subscriber.complete();
            subscriber.error(boom);
            subscriber.next(1);
          }).pipe(admission(gate)),
          [],
        ),
      ['success'],
    ],
    [
      'a teardown that throws',
      (gate) => {
        const subscription = listen(
          new Observable(() => () => {
            throw boom;
          }).pipe(admission(gate)),
          [],
        );
        expect(() => subscription.unsubscribe()).toThrow('boom');
      },
      ['neutral'],
    ],
  ];

  test.each(outcomes)('%s', (_, run, settled) => {
    const gate = new Gate();
    run(gate);
    expect(gate.settled).toStrictEqual(settled);
    expect(gate.active).toBe(0);
  });

  test('cancelled in the line: the place is left, the source never subscribed', () => {
    const gate = new Gate();
    const log: string[] = [];
    NEVER.pipe(admission(gate)).subscribe();
    const waiting = listen(noisy(of(1), log).pipe(admission(gate)), log);
    expect(gate.line.size).toBe(1);
    waiting.unsubscribe();
    expect(gate.line.size).toBe(0);
    expect(gate.active).toBe(1);
    expect(log).toStrictEqual([]);
  });

  test('refused in the line: an error, the source never subscribed', () => {
    const gate = new Gate();
    const log: string[] = [];
    NEVER.pipe(admission(gate)).subscribe();
    listen(noisy(of(1), log).pipe(admission(gate)), log);
    gate.dismiss();
    expect(log).toStrictEqual(['error full']);
    expect(gate.active).toBe(1);
  });

  test('a lease that refuses to start is given back, the source never subscribed', () => {
    const gate = new Gate();
    const log: string[] = [];
    gate.refusesToStart = true;
    listen(noisy(of(1), log).pipe(admission(gate)), log);
    expect(log).toStrictEqual(['error changed its mind']);
    expect(gate.settled).toStrictEqual(['neutral']);
  });
});

describe('the order of the end', () => {
  test.each<[string, Observable<unknown>, string[]]>([
    ['complete', EMPTY, ['gate success', 'complete']],
    ['error', throwError(() => boom), ['gate failure boom', 'error boom']],
  ])('%s: the lease is settled before downstream hears', (_, source, ending) => {
    const log: string[] = [];
    listen(source.pipe(admission(new Gate(1, 'gate', log))), log);
    expect(log).toStrictEqual(['gate asked', 'gate started', ...ending]);
  });

  test('cancel: the source has stopped before its place is given to the next', () => {
    const log: string[] = [];
    const gate = new Gate(1, 'gate', log);
    const first = noisy(NEVER, log).pipe(admission(gate)).subscribe();
    noisy(NEVER, log).pipe(admission(gate)).subscribe();
    log.length = 0;
    first.unsubscribe();
    expect(log).toStrictEqual(['source stops', 'gate neutral', 'gate started', 'source starts']);
  });

  test.each([EMPTY, throwError(() => boom)])(
    'who subscribes again inside the end of the first finds the place free',
    (end) => {
      const gate = new Gate(1, 'gate', [], 0);
      const heard: string[] = [];
      const again = (): void => void listen(of('second').pipe(admission(gate)), heard);
      end.pipe(admission(gate)).subscribe({ complete: again, error: again });
      expect(heard).toStrictEqual(['value second', 'complete']);
    },
  );

  test('the first value is known before downstream has it, and only the first', () => {
    const log: string[] = [];
    listen(of(1, 2).pipe(admission(new Gate(1, 'gate', log))), log);
    expect(log.slice(2)).toStrictEqual([
      'gate first value',
      'value 1',
      'value 2',
      'gate success',
      'complete',
    ]);
  });

  test('a value that another hears first, and cancels, is no longer heard', () => {
    const log: string[] = [];
    const source = new Subject<string>();
    const guarded = source.pipe(admission(new Gate(2)));
    guarded.subscribe((value) => {
      if (value === 'b') second.unsubscribe();
    });
    const second = listen(guarded, log);
    source.next('a');
    source.next('b');
    expect(log).toStrictEqual(['value a']);
  });
});

describe('synchronous sources', () => {
  test('take(3) stops a source of 100 000 values at 3', () => {
    let emitted = 0;
    const source = new Observable<number>((subscriber) => {
      while (emitted < 100_000 && !subscriber.closed) subscriber.next(emitted++);
    });
    source.pipe(admission(new Gate()), admission(new Gate()), take(3)).subscribe();
    expect(emitted).toBe(3);
  });

  test('10 000 in line that all end while they are being let in drain without a deep stack', () => {
    const gate = new Gate(1, 'gate', [], 10_000);
    const door = new Subject<void>();
    door.pipe(admission(gate)).subscribe();
    let done = 0;
    for (let index = 0; index < 10_000; index++) {
      of(index)
        .pipe(admission(gate))
        .subscribe({ complete: () => done++ });
    }
    expect(gate.line.size).toBe(10_000);
    expect(() => door.complete()).not.toThrow();
    expect(done).toBe(10_000);
  });
});

describe('whoever hears of a decision may cancel there and then', () => {
  const moments: [string, (gate: Gate, cancel: () => void) => void][] = [
    [
      'while it is admitted',
      (gate, cancel) => {
        gate.onAdmit = cancel;
      },
    ],
    [
      'while it starts',
      (gate, cancel) => {
        gate.onStart = cancel;
      },
    ],
    [
      'while its first value is noted',
      (gate, cancel) => {
        gate.onFirstValue = cancel;
      },
    ],
    [
      'while it is settled',
      (gate, cancel) => {
        gate.onSettled = cancel;
      },
    ],
  ];
  const ends: [string, (source$: Subject<number>) => void][] = [
    ['completes', (source$) => source$.complete()],
    ['fails', (source$) => source$.error(boom)],
  ];
  const cases = moments.flatMap(([when, arrange]) => ends.map(([how, end]) => ({ when, how, arrange, end })));

  test.each(cases)('$when, in a stream that $how', ({ arrange, end }) => {
    const [outer, middle, inner] = [new Gate(), new Gate(), new Gate()];
    const cancel$ = new Subject<void>();
    arrange(middle, () => cancel$.next());
    const log: string[] = [];
    const source$ = new Subject<number>();
    listen(source$.pipe(admission(inner), admission(middle), admission(outer), takeUntil(cancel$)), log);
    expect(() => source$.next(1)).not.toThrow();
    expect(() => end(source$)).not.toThrow();
    expect([outer, middle, inner].map((gate) => gate.active)).toStrictEqual([0, 0, 0]);
    expect(log.filter((line) => line !== 'value 1')).toStrictEqual(['complete']);
  });

  test('while it joins the line: it leaves the line', () => {
    const gate = new Gate();
    NEVER.pipe(admission(gate)).subscribe();
    const cancel$ = new Subject<void>();
    gate.onAdmit = () => cancel$.next();
    of(1).pipe(admission(gate), takeUntil(cancel$)).subscribe();
    expect(gate.line.size).toBe(0);
    expect(gate.active).toBe(1);
  });

  test('a place that is granted while it is still being given is used once', () => {
    const gate = new Gate();
    const second = new Gate();
    const holder = NEVER.pipe(admission(gate)).subscribe();
    NEVER.pipe(admission(second)).subscribe();
    gate.onAdmit = () => holder.unsubscribe();
    const log: string[] = [];
    const stream = listen(noisy(NEVER, log).pipe(admission(second), admission(gate)), log);
    // Admitted by the first, in the line of the second: that place must not be forgotten.
    expect([gate.active, second.line.size]).toStrictEqual([1, 1]);
    stream.unsubscribe();
    expect([gate.active, gate.line.size, second.line.size]).toStrictEqual([0, 0, 0]);
    expect(log).toStrictEqual([]);
  });
});

describe('what a policy throws ends its stream and nothing else', () => {
  test.each<[string, (gate: Gate) => void, string]>([
    [
      'admit',
      (gate) => {
        gate.onAdmit = () => {
          throw boom;
        };
      },
      'neutral',
    ],
    [
      'start',
      (gate) => {
        gate.onStart = () => {
          throw boom;
        };
      },
      'neutral',
    ],
    [
      'the settlement of a success',
      (gate) => {
        gate.onSettled = (outcome) => {
          if (outcome === 'success') throw boom;
        };
      },
      'failure boom',
    ],
  ])('in %s', (_, arrange, outer) => {
    const log: string[] = [];
    const gates = [new Gate(1, 'outer', log), new Gate(1, 'inner', log)] as const;
    arrange(gates[1]);
    const source = vi.fn(() => EMPTY);
    listen(defer(source).pipe(admission(gates[1]), admission(gates[0])), log);
    expect(log.slice(-2)).toStrictEqual([`outer ${outer}`, 'error boom']);
    // Before the start nothing is made, not even to be stopped at once.
    expect(source).toHaveBeenCalledTimes(outer === 'neutral' ? 0 : 1);
    expect(gates[0].settled).toStrictEqual([outer]);
    expect(gates[0].active).toBe(0);
  });

  test.each(['firstValue', 'value'] as const)('in %s: the value is not delivered', (method) => {
    const log: string[] = [];
    const gate = new Gate(1, 'gate', log);
    const heard = vi.fn((): never => {
      throw boom;
    });
    const policy: AdmissionPolicy = {
      admit: (applicant) => Object.assign(gate.admit(applicant) as Lease, { [method]: heard }),
    };
    const source = new Subject<string>();
    listen(source.pipe(admission(policy)), log);
    source.next('a');
    expect(log.slice(-2)).toStrictEqual(['gate failure boom', 'error boom']);
    expect([heard.mock.calls.length, source.observed, gate.active]).toStrictEqual([1, false, 0]);
  });

  test('in the settlement of a failure: that is what follows, for downstream and the policies further out', () => {
    const log: string[] = [];
    const outer = new Gate(1, 'outer', log);
    const inner = new Gate(1, 'inner', log);
    inner.onSettled = () => {
      throw new Error('classify is broken');
    };
    listen(throwError(() => boom).pipe(admission(inner), admission(outer)), log);
    expect(log.slice(4)).toStrictEqual([
      'inner failure boom',
      'outer failure classify is broken',
      'error classify is broken',
    ]);
  });

  const throwingTeardown = new Observable<string>((subscriber) => {
    subscriber.complete();
    return () => {
      throw boom;
    };
  });
  const explosive = finalize<string>(() => {
    throw boom;
  });

  test.each<[string, (admit: TransparentOperator) => Observable<string>]>([
    ['downstream throws in its teardown', (admit) => of('a').pipe(admit, explosive)],
    ['the source throws in its teardown', (admit) => throwingTeardown.pipe(admit)],
  ])('a line goes on when %s', (_, streamThrough) => {
    const gate = new Gate();
    const holder = NEVER.pipe(admission(gate)).subscribe();
    streamThrough(admission(gate)).subscribe();
    const log: string[] = [];
    listen(of('next').pipe(admission(gate)), log);
    expect(() => holder.unsubscribe()).not.toThrow();
    expect(log).toStrictEqual(['value next', 'complete']);
    expect([gate.active, gate.line.size]).toStrictEqual([0, 0]);
  });

  test('a line goes on when a source cannot even be subscribed, and that is the end of its stream', () => {
    const gate = new Gate();
    const holder = NEVER.pipe(admission(gate)).subscribe();
    const closed = new Subject<string>();
    closed.unsubscribe();
    const log: string[] = [];
    listen(closed.pipe(admission(gate)), log);
    expect(() => holder.unsubscribe()).not.toThrow();
    expect(log).toStrictEqual(['error object unsubscribed']);
    expect([gate.active, gate.line.size]).toStrictEqual([0, 0]);
  });

  test('a line goes on when one that is refused throws in its teardown', () => {
    const gate = new Gate();
    NEVER.pipe(admission(gate)).subscribe();
    NEVER.pipe(
      admission(gate),
      finalize(() => {
        throw boom;
      }),
    ).subscribe({ error: () => {} });
    expect(() => gate.dismiss()).not.toThrow();
    expect(gate.line.size).toBe(0);
  });
});

describe('policies directly upon each other', () => {
  test('hear of no first value once a listener of one has cancelled', () => {
    const log: string[] = [];
    const [outer, inner] = [new Gate(1, 'outer', log), new Gate(1, 'inner', log)];
    const source = new Subject<string>();
    const subscription = listen(source.pipe(admission(inner), admission(outer)), log);
    outer.onFirstValue = () => subscription.unsubscribe();
    source.next('a');
    expect(log.slice(4)).toStrictEqual(['outer first value', 'inner neutral', 'outer neutral']);
  });

  test('are asked from the outermost to the innermost, start together, settle from within', () => {
    const log: string[] = [];
    const [outer, inner] = [new Gate(1, 'outer', log), new Gate(1, 'inner', log)];
    listen(noisy(of(1), log).pipe(admission(inner), admission(outer)), log);
    expect(log).toStrictEqual([
      'outer asked',
      'inner asked',
      'outer started',
      'inner started',
      'source starts',
      'outer first value',
      'inner first value',
      'value 1',
      'inner success',
      'outer success',
      'complete',
      'source stops',
    ]);
  });

  test('a refusal gives back what the others have granted, before downstream hears', () => {
    const log: string[] = [];
    const [outer, inner] = [new Gate(1, 'outer', log), new Gate(1, 'inner', log)];
    inner.refuses = true;
    listen(noisy(of(1), log).pipe(admission(inner), admission(outer)), log);
    expect(log).toStrictEqual(['outer asked', 'inner asked', 'outer neutral', 'error full']);
  });

  test('a lease that refuses to start is a refusal from below to those that have started', () => {
    const log: string[] = [];
    const [outer, inner] = [new Gate(1, 'outer', log), new Gate(1, 'inner', log)];
    inner.refusesToStart = true;
    listen(noisy(of(1), log).pipe(admission(inner), admission(outer)), log);
    expect(log.slice(2)).toStrictEqual([
      'outer started',
      'inner started',
      'inner neutral',
      'outer failure changed its mind',
      'error changed its mind',
    ]);
  });

  test('one that waits for the second holds the first, and gives it back when it is refused or cancelled', () => {
    for (const giveUp of [
      (_: Subscription, inner: Gate) => inner.dismiss(),
      (stream: Subscription) => stream.unsubscribe(),
    ]) {
      const [outer, inner] = [new Gate(), new Gate()];
      NEVER.pipe(admission(inner)).subscribe();
      const stream = of(1)
        .pipe(admission(inner), admission(outer))
        .subscribe({ error: () => {} });
      expect([outer.active, inner.line.size]).toStrictEqual([1, 1]);
      giveUp(stream, inner);
      expect([outer.active, inner.active, inner.line.size]).toStrictEqual([0, 1, 0]);
      expect(outer.settled).toStrictEqual(['neutral']);
    }
  });

  test('behave as if something stood between them', () => {
    const stream = fc.record({
      marbles: fc.constantFrom('|', '#', 'a|', '-a-b|', '-a#', '(ab|)', '----', '--a-', '(ab#)'),
      start: fc.nat({ max: 6 }),
      cancel: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
      takes: fc.integer({ min: 1, max: 3 }),
    });
    const capacities = fc.array(
      fc.record({ capacity: fc.integer({ min: 1, max: 2 }), maxQueue: fc.nat({ max: 2 }) }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(fc.array(stream, { maxLength: 6 }), capacities, (streams, gatesOf) => {
        const run = (between: TransparentOperator): unknown => {
          const gates = gatesOf.map(({ capacity, maxQueue }) => new Gate(capacity, 'gate', [], maxQueue));
          const heard: string[] = [];
          new TestScheduler(() => {}).run(({ cold, flush }) => {
            for (const [index, { marbles, start, cancel, takes }] of streams.entries()) {
              let source: Observable<string> = cold(marbles);
              for (const gate of gates) source = source.pipe(admission(gate), between);
              const note = (what: string): number => heard.push(`${index} ${what}`);
              const delayed = concat(cold(`${'-'.repeat(start)}|`), source.pipe(take(takes)));
              const subscription = delayed.subscribe({
                next: note,
                error: (error: unknown) => note(error === full ? 'refused' : 'error'),
                complete: () => note('complete'),
              });
              if (cancel !== undefined) {
                cold(`${'-'.repeat(start + cancel)}|`).subscribe({
                  complete: () => subscription.unsubscribe(),
                });
              }
            }
            flush();
          });
          return { heard, left: gates.map(({ active, line }) => [active, line.size]) };
        };
        expect(run((source) => source)).toStrictEqual(run(map((value) => value)));
      }),
      { numRuns: 200 },
    );
  });
});

test('nothing of an ended stream is kept by who kept its subscriber', () => {
  let kept: Subscriber<unknown> | undefined;
  new Observable((subscriber) => {
    kept = subscriber;
    subscriber.next('value');
    subscriber.error(boom);
  })
    .pipe(admission(new Gate()))
    .subscribe({ error: () => {} });
  const values = Object.values(kept as object).flat(2) as unknown[];
  expect(values).not.toContain('value');
  expect(values).not.toContain(boom);
  expect(values.some((value) => value instanceof Lease || value instanceof Subscriber)).toBe(false);
});

test('a late grant for a stream that has left is given back', () => {
  const gate = new Gate();
  let applicant: Applicant | undefined;
  const careless: AdmissionPolicy = {
    admit(newcomer) {
      applicant = newcomer;
      return { leave: vi.fn() };
    },
  };
  NEVER.pipe(admission(careless)).subscribe().unsubscribe();
  applicant?.granted(gate.admit(applicant) as Lease);
  expect(gate.settled).toStrictEqual(['neutral']);
});
