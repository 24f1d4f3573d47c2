import * as fc from 'fast-check';
import {
  concat,
  defer,
  delay,
  EMPTY,
  finalize,
  NEVER,
  type Observable,
  of,
  range,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  BulkheadRejectedError,
  CircuitOpenError,
  ConfigurationError,
  FallbackExhaustedError,
  RateLimitExceededError,
} from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { type FallbackConfig, type FallbackFailure, fallback } from '../../src/fallback/index.ts';
import { times } from '../support/property-runs.ts';

const failing = (error: unknown): Observable<never> => throwError(() => error);
const down$ = failing('down');

interface Story {
  readonly values: unknown[];
  readonly errors: unknown[];
  completed: boolean;
  unsubscribe(): void;
}

function watch(stream: Observable<unknown>): Story {
  const story: Story = {
    values: [],
    errors: [],
    completed: false,
    unsubscribe: () => subscription.unsubscribe(),
  };
  const subscription = stream.subscribe({
    next: (value) => story.values.push(value),
    error: (error) => story.errors.push(error),
    complete: () => {
      story.completed = true;
    },
  });
  return story;
}

function listening(): { events: EventBus; heard: ResilienceEvent[] } {
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  return { events, heard };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('what an alternative may be', () => {
  test.each([
    ['a text'],
    [0],
    [''],
    [null],
    [undefined],
    [false],
    [{ name: 'nobody' }],
    [new Date(0)],
    [new Set([1])],
  ])('a value is emitted as it is, once: %s', (value) => {
    const story = watch(down$.pipe(fallback([value] as object[])));
    expect(story.values).toStrictEqual([value]);
    expect(story.completed).toBe(true);
    expect(watch(down$.pipe(fallback(value))).values).toStrictEqual([value]);
    expect(watch(down$.pipe(fallback(() => value))).values).toStrictEqual([value]);
  });

  test('an array is a chain for the operator, and one value everywhere else', () => {
    expect(watch(down$.pipe(fallback([1, 2]))).values).toStrictEqual([1]);
    expect(watch(down$.pipe(fallback([[1, 2]]))).values).toStrictEqual([[1, 2]]);
    expect(watch(down$.pipe(fallback(() => [1, 2]))).values).toStrictEqual([[1, 2]]);
    expect(watch(down$.pipe(fallback(() => []))).values).toStrictEqual([[]]);
  });

  test('an Observable, alone or made by a function', () => {
    expect(watch(down$.pipe(fallback(of('a', 'b')))).values).toStrictEqual(['a', 'b']);
    expect(watch(down$.pipe(fallback(() => of('a', 'b')))).values).toStrictEqual(['a', 'b']);
  });

  test('a promise and an async iterable', async () => {
    async function* answers() {
      yield 'a';
      yield 'b';
    }
    const stories = [
      watch(down$.pipe(fallback(Promise.resolve('a')))),
      watch(down$.pipe(fallback(async () => ['a', 'b']))),
      watch(down$.pipe(fallback(answers))),
    ];
    await vi.advanceTimersByTimeAsync(0);
    expect(stories.map(({ values }) => values)).toStrictEqual([['a'], [['a', 'b']], ['a', 'b']]);
    expect(stories.map(({ completed }) => completed)).toStrictEqual([true, true, true]);
  });

  test('types are inferred', () => {
    const text$ = of('a');
    expectTypeOf(text$.pipe(fallback(1))).toEqualTypeOf<Observable<string | 1>>();
    expectTypeOf(text$.pipe(fallback('b'))).toEqualTypeOf<Observable<string>>();
    expectTypeOf(text$.pipe(fallback(() => of(1)))).toEqualTypeOf<Observable<string | number>>();
    expectTypeOf(text$.pipe(fallback(async () => [1]))).toEqualTypeOf<Observable<string | number[]>>();
    expectTypeOf(
      text$.pipe(
        toArray(),
        fallback(() => []),
      ),
    ).toEqualTypeOf<Observable<string[] | never[]>>();
    expectTypeOf(text$.pipe(fallback([() => of(true), null]))).toEqualTypeOf<
      Observable<string | boolean | null>
    >();
    expectTypeOf(
      text$.pipe(fallback({ alternatives: [({ emitted }) => emitted], midStream: true })),
    ).toEqualTypeOf<Observable<string | number>>();
    const cache = () => throwError(() => new Error('empty'));
    const [told, toldByConfig] = [
      text$.pipe(fallback([cache, ({ errors }) => errors.length])),
      text$.pipe(fallback({ alternatives: [cache, ({ errors }) => errors.length] })),
    ];
    expectTypeOf(told).toEqualTypeOf<Observable<string | number>>();
    expectTypeOf(toldByConfig).toEqualTypeOf<Observable<string | number>>();
    expectTypeOf(text$.pipe(fallback([{ a: 1 }]))).toEqualTypeOf<Observable<string | { a: number }>>();
    expectTypeOf(text$.pipe(fallback([of(1)] as readonly Observable<number>[]))).toEqualTypeOf<
      Observable<string | number>
    >();
  });
});

describe('when it is used', () => {
  test('never, when the source does not fail', () => {
    const make = vi.fn(() => 'x');
    const story = watch(range(3).pipe(fallback(make)));
    expect([story.values, story.completed]).toStrictEqual([[0, 1, 2], true]);
    expect(watch(EMPTY.pipe(fallback(make))).values).toStrictEqual([]);
    expect(make).not.toHaveBeenCalled();
  });

  test('once per subscription, and each has its own chain', () => {
    const make = vi.fn(() => failing('no'));
    const stream = down$.pipe(fallback([make, 'x']));
    expect(make).not.toHaveBeenCalled();
    expect(watch(stream).values).toStrictEqual(['x']);
    expect(watch(stream).values).toStrictEqual(['x']);
    expect(make).toHaveBeenCalledTimes(2);
  });

  test.each([
    new CircuitOpenError('c', 5),
    new BulkheadRejectedError('b', 'queue-full', 'is full.'),
    new RateLimitExceededError('r', 5, 'is exceeded.'),
    { status: 400 },
    undefined,
  ])('also for %s', (error) => {
    expect(watch(failing(error).pipe(fallback('x'))).values).toStrictEqual(['x']);
  });

  test.each([new DOMException('aborted', 'AbortError'), { kind: 'cancelled' }])(
    "never for the caller's own abort: %s",
    (abort) => {
      const { events, heard } = listening();
      const story = watch(failing(abort).pipe(fallback({ events, alternatives: ['x'] })));
      expect([story.values, story.errors]).toStrictEqual([[], [abort]]);
      expect(heard).toStrictEqual([]);
    },
  );

  test('handle decides, also about the errors of alternatives', () => {
    const handle = (error: unknown) => error === 'down';
    const config = { handle, alternatives: [failing('other'), 'x'] };
    expect(watch(failing('other').pipe(fallback(config))).errors).toStrictEqual(['other']);
    const story = watch(down$.pipe(fallback(config)));
    expect([story.values, story.errors]).toStrictEqual([[], ['other']]);
  });

  test('a handle that throws ends the stream with what it threw', () => {
    const bug = new Error('a bug');
    const handle = () => {
      throw bug;
    };
    expect(watch(down$.pipe(fallback({ handle, alternatives: ['x'] }))).errors).toStrictEqual([bug]);
  });

  test('a cancel tries nothing, and ends the alternative that runs', () => {
    const stopped = vi.fn();
    const last = vi.fn();
    const alternatives = [defer(() => NEVER.pipe(finalize(stopped))), last];
    watch(NEVER.pipe(fallback([last]))).unsubscribe();
    watch(down$.pipe(fallback(alternatives))).unsubscribe();
    expect(stopped).toHaveBeenCalledOnce();
    expect(last).not.toHaveBeenCalled();
  });

  test('a listener that cancels when the fallback is announced gets none', () => {
    const make = vi.fn(() => 'x');
    const events = new EventBus();
    const trigger$ = new Subject<string>();
    const story = watch(trigger$.pipe(fallback({ events, alternatives: [make] })));
    events.on('fallback_used').subscribe(() => story.unsubscribe());
    trigger$.error('down');
    expect(make).not.toHaveBeenCalled();
  });
});

describe('the chain', () => {
  test('is tried in order until one does not fail', () => {
    const last = vi.fn();
    const chain = [failing('no'), timer(5).pipe(switchMap(() => failing('no'))), of('a'), last];
    const story = watch(down$.pipe(fallback(chain)));
    vi.advanceTimersByTime(5);
    expect(story.values).toStrictEqual(['a']);
    expect(last).not.toHaveBeenCalled();
  });

  test('is the one that was given, whatever becomes of the array', () => {
    const alternatives = ['answer'];
    const answered = down$.pipe(fallback({ alternatives }));
    alternatives.length = 0;
    expect(watch(answered)).toMatchObject({ values: ['answer'], completed: true });
  });

  test('a function hears the latest error, all of them, and what was emitted', () => {
    const heard: FallbackFailure[] = [];
    const hears = (error: string) => (failure: FallbackFailure) => {
      heard.push(failure);
      return failing(error);
    };
    watch(
      concat(of('a'), down$).pipe(
        fallback({ midStream: true, alternatives: [hears('no'), hears('neither')] }),
      ),
    );
    expect(heard).toStrictEqual([
      { error: 'down', errors: ['down'], emitted: 1 },
      { error: 'no', errors: ['down', 'no'], emitted: 1 },
    ]);
  });

  test('whatever a function does to the errors that it hears of, the chain goes on and forgets none', () => {
    const forgetful = ({ errors }: FallbackFailure) => {
      (errors as unknown[]).length = 0;
      return failing('no');
    };
    const [error] = watch(down$.pipe(fallback([forgetful, failing('neither')])))
      .errors as FallbackExhaustedError[];
    expect(error?.errors).toStrictEqual(['down', 'no', 'neither']);
  });

  test('a function that throws counts as the error of its alternative', () => {
    const bug = new Error('a bug');
    const throwing = () => {
      throw bug;
    };
    expect(watch(down$.pipe(fallback([throwing, 'x']))).values).toStrictEqual(['x']);
    const [error] = watch(down$.pipe(fallback(throwing))).errors as FallbackExhaustedError[];
    expect(error?.errors).toStrictEqual(['down', bug]);
  });

  test('when all have failed, one error holds every error in order, the first as its cause', () => {
    const { events, heard } = listening();
    const source = failing(new Error('down'));
    const config = { name: 'answers', events, alternatives: [failing(new Error('no')), failing('neither')] };
    const { errors } = watch(source.pipe(fallback(config)));
    const [error] = errors as FallbackExhaustedError[];
    expect(errors).toHaveLength(1);
    expect(error).toBeInstanceOf(FallbackExhaustedError);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error?.errors).toStrictEqual([new Error('down'), new Error('no'), 'neither']);
    expect(error?.cause).toBe(error?.errors[0]);
    expect(error?.message).toBe(
      'Fallback "answers": the source and every alternative failed: 1. down; 2. no; 3. neither',
    );
    expect(heard.map(({ type, source, data }) => [type, source, data])).toStrictEqual([
      ['fallback_used', 'answers', { alternative: 1, error: { name: 'Error', message: 'down' } }],
      ['fallback_used', 'answers', { alternative: 2, error: { name: 'Error', message: 'no' } }],
      [
        'fallback_exhausted',
        'answers',
        {
          errors: [
            { name: 'Error', message: 'down' },
            { name: 'Error', message: 'no' },
            { name: 'Error', message: 'neither' },
          ],
        },
      ],
    ]);
  });

  test('2 000 alternatives that fail at once do not overflow the stack', () => {
    const chain = Array.from({ length: 2_000 }, () => failing('no'));
    expect(watch(down$.pipe(fallback([...chain, 'x']))).values).toStrictEqual(['x']);
  });

  test('the failed stream is torn down before the alternative starts', () => {
    const order: string[] = [];
    const source = down$.pipe(finalize(() => order.push('source stopped')));
    watch(source.pipe(fallback(() => order.push('alternative made'))));
    expect(order).toStrictEqual(['source stopped', 'alternative made']);
  });
});

describe('the commit rule', () => {
  const cut$ = concat(of('a', 'b'), failing('cut'));

  test('after the first delivered value the error goes downstream as it came', () => {
    const make = vi.fn();
    const story = watch(cut$.pipe(fallback(make)));
    expect([story.values, story.errors]).toStrictEqual([['a', 'b'], ['cut']]);
    expect(make).not.toHaveBeenCalled();
  });

  test('it holds for the values of an alternative as well', () => {
    const story = watch(down$.pipe(fallback([cut$, 'x'])));
    expect([story.values, story.errors]).toStrictEqual([['a', 'b'], ['cut']]);
  });

  test('midStream goes on behind what was delivered, along the chain', () => {
    const letters = ['a', 'b', 'c', 'd'];
    const rest = ({ emitted }: FallbackFailure) => of(...letters.slice(emitted));
    const oneMore = ({ emitted }: FallbackFailure) => concat(of(letters[emitted]), failing('again'));
    const story = watch(cut$.pipe(fallback({ midStream: true, alternatives: [oneMore, rest] })));
    expect(story.values).toStrictEqual(letters);
    expect(story.completed).toBe(true);
  });

  test('commitOn says which values count', () => {
    const commitOn = (value: string) => value !== 'a';
    const ping$ = concat(of('a'), failing('cut'));
    expect(watch(ping$.pipe(fallback({ commitOn, alternatives: ['x'] }))).values).toStrictEqual(['a', 'x']);
    expect(watch(cut$.pipe(fallback({ commitOn, alternatives: ['x'] }))).errors).toStrictEqual(['cut']);
  });

  test('a commitOn that throws ends the stream, its source first, and is not answered', () => {
    const order: unknown[] = [];
    const commitOn = () => {
      throw new Error('a bug');
    };
    concat(of('a'), NEVER)
      .pipe(
        finalize(() => order.push('stopped')),
        fallback({ commitOn, alternatives: ['x'] }),
      )
      .subscribe({ next: (value) => order.push(value), error: (error: Error) => order.push(error.message) });
    expect(order).toStrictEqual(['stopped', 'a bug']);
  });

  test('a consumer that takes three of a synchronous alternative stops it at three', () => {
    let produced = 0;
    const alternative = range(100_000).pipe(tap(() => produced++));
    watch(down$.pipe(fallback(alternative), take(3)));
    expect(produced).toBe(3);
  });
});

describe('whatever happens', () => {
  test('every stream is torn down, nothing is mixed, nothing follows the end', () => {
    const plan = fc.record({
      values: fc.nat({ max: 3 }),
      wait: fc.nat({ max: 4 }),
      end: fc.constantFrom('complete', 'error', 'never'),
    });
    const scenario = fc.record({
      plans: fc.array(plan, { minLength: 2, maxLength: 5 }),
      midStream: fc.boolean(),
      cancelAt: fc.nat({ max: 25 }),
      takes: fc.nat({ max: 6 }),
    });
    fc.assert(
      fc.property(scenario, ({ plans, midStream, cancelAt, takes }) => {
        let open = 0;
        const [source, ...alternatives] = plans.map(({ values, wait, end }, speaker) => {
          const ending = { complete: EMPTY, error: failing('down'), never: NEVER }[end];
          const content = concat(range(values), ending).pipe(switchMap(() => of(speaker)));
          return defer(() => {
            open++;
            const stream =
              wait === 0
                ? content
                : of(0).pipe(
                    delay(wait),
                    switchMap(() => content),
                  );
            return stream.pipe(finalize(() => open--));
          });
        });
        const speakers: number[] = [];
        let ends = 0;
        const subscription = (source as Observable<number>)
          .pipe(fallback({ midStream, alternatives }), take(takes))
          .subscribe({
            next: (speaker) => speakers.push(speaker),
            error: () => {
              ends++;
              expect(open).toBe(0);
            },
            complete: () => ends++,
          });
        vi.advanceTimersByTime(cancelAt);
        subscription.unsubscribe();
        const before = [...speakers];
        vi.advanceTimersByTime(100);
        expect(open).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
        expect(ends).toBeLessThanOrEqual(1);
        expect(speakers).toStrictEqual(before);
        expect(speakers).toStrictEqual([...speakers].sort((a, b) => a - b));
        if (!midStream) expect(new Set(speakers).size).toBeLessThanOrEqual(1);
      }),
      { numRuns: times(400) },
    );
  });
});

describe('bad configuration is refused by name and value', () => {
  test.each<[string, unknown]>([
    [
      'option "alternatives" must hold at least one alternative (to answer with an empty array: [[]]), got an array of 0',
      [],
    ],
    ['option "alternatives" must be an array of alternatives, got "x"', { alternatives: 'x' }],
    ['option "handle" must be a function, got true', { alternatives: ['x'], handle: true }],
    ['option "midStream" must be true or false, got 1', { alternatives: ['x'], midStream: 1 }],
    ['unknown option "midstream"', { alternatives: ['x'], midstream: true }],
    [
      'option "alternatives" must be an array of alternatives, got undefined; unknown option "alternative"',
      { alternative: ['x'], midStream: true },
    ],
  ])('%s', (message, config) => {
    const make = () => fallback(config as FallbackConfig);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(`fallback: ${message}`);
  });
});
