import { firstValueFrom, lastValueFrom, retry, take, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import {
  faultSchedule,
  flaky,
  MarbleError,
  runMarbles,
  type ScriptedSource,
  seededRandom,
} from '../../src/testing/index.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('a flaky source', () => {
  it('plays its n-th script for the n-th subscription, and the last one again', () => {
    runMarbles(({ expectObservable, expectSubscriptions }) => {
      const source = flaky('--a--#', '-#', '--b|');
      expectObservable(source.pipe(retry())).toBe('  --a-----b|');
      expectObservable(source, '              ---------------^').toBe('-----------------b|');
      expectSubscriptions(source).toBe(['^----!', '-----^!', '------^--!', '---------------^--!']);
    });
  });

  it('stops when it is unsubscribed', () => {
    runMarbles(({ expectObservable, expectSubscriptions }) => {
      const source = flaky('--a--b--|');
      expectObservable(source, '^---!').toBe('--a');
      expectSubscriptions(source).toBe('^---!');
    });
  });

  it('has values of the type that is given, and an error for each script', () => {
    runMarbles(({ expectObservable }) => {
      const source = flaky(['-a-#', '-b-#'], {
        values: { a: 1, b: 2 },
        errors: [new TypeError('one'), 'two'],
      });
      expectTypeOf(source).toEqualTypeOf<ScriptedSource<number>>();
      expectTypeOf(flaky('-a|')).toEqualTypeOf<ScriptedSource<string>>();
      expectObservable(source).toBe('-a-#', { a: 1 }, 'TypeError');
      expectObservable(source).toBe('-b-#', { b: 2 }, 'two');
      expectObservable(source).toBe('-b-#', { b: 2 }, 'two');
    });
  });

  it('subscribed more often than foreseen fails the test, even when the pipeline swallows the error', () => {
    const swallow = (): void =>
      runMarbles(({ expectObservable }) => {
        const source = flaky(['#', '-a|'], { attempts: 1, name: 'The catalogue' });
        expectObservable(source.pipe(retry(1), take(0))).toBe('|');
        expectObservable(source.pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(3) }))).toBe(
          '---#',
          {},
          'RetryExhaustedError',
        );
      });
    expect(swallow).toThrow(
      'The catalogue was subscribed 2 times, at last in frame 3: not more than 1 were foreseen.',
    );
  });

  it('may be silent for ever', () => {
    runMarbles(({ expectObservable }) => expectObservable(flaky('')).toBe('---'));
  });

  it('without a script is refused', () => {
    expect(() => flaky([], {})).toThrow(new MarbleError('flaky needs at least one script.'));
  });

  it('with marbles that mean nothing is refused', () => {
    expect(() => flaky('-a-^')).toThrow('"^" and "!" have no place there');
    expect(() => flaky(['-a-x'], { values: { a: 1 } })).toThrow('contain "x", for which there is no value');
  });

  it("works in RxJS' own run", () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const source = flaky('--a--#', '--a--b--|');
    scheduler.run(({ expectObservable, expectSubscriptions }) => {
      expectObservable(source.pipe(retry({ delay: 2 }))).toBe('--a------a--b--|');
      expectSubscriptions(source.subscriptions).toBe(['^----!', '-------^-------!']);
    });
    expect(source.subscriptions).toHaveLength(2);
  });

  it('works under fake timers, for pipelines that end in a promise', async () => {
    vi.useFakeTimers();
    const source = flaky('--# ', '500ms a 499ms |');
    const answer = lastValueFrom(source.pipe(retry(1), toArray()));
    await vi.advanceTimersByTimeAsync(1_001);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await expect(answer).resolves.toStrictEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
    expect(source.subscriptions).toMatchObject([
      { subscribedFrame: 0, unsubscribedFrame: 2 },
      { subscribedFrame: 2, unsubscribedFrame: 1_002 },
    ]);
  });

  it('works in real time', async () => {
    await expect(firstValueFrom(flaky('-a'))).resolves.toBe('a');
  });
});

describe('a fault schedule', () => {
  const config = { attempts: 200, rate: 0.5, faults: ['#', '-a-#'], answer: '-a-b|' };

  it('is the same for the same seed', () => {
    const scripts = faultSchedule({ ...config, random: seededRandom(7) });
    expect(faultSchedule({ ...config, random: seededRandom(7) })).toStrictEqual(scripts);
    expect(faultSchedule({ ...config, random: seededRandom(8) })).not.toStrictEqual(scripts);
    expect(scripts).toHaveLength(200);
  });

  it('fails as often as it should, in every way', () => {
    const scripts = faultSchedule({ ...config, random: seededRandom(1) });
    const share = (script: string): number => scripts.filter((each) => each === script).length / 200;
    expect(share('-a-b|')).toBeCloseTo(0.5, 1);
    expect(share('#')).toBeCloseTo(0.25, 1);
    expect(share('-a-#')).toBeCloseTo(0.25, 1);
  });

  it('prints what its documentation says', () => {
    const scripts = faultSchedule({
      ...config,
      attempts: 4,
      faults: ['#', '--a--#'],
      answer: '--a|',
      random: seededRandom(2),
    });
    expect(scripts).toStrictEqual(['--a|', '--a--#', '--a|', '#']);
  });

  it('of rate 0 never fails, of rate 1 always', () => {
    const random = seededRandom(1);
    expect(new Set(faultSchedule({ ...config, rate: 0, random }))).toStrictEqual(new Set(['-a-b|']));
    expect(new Set(faultSchedule({ ...config, rate: 1, faults: ['#'], random }))).toStrictEqual(
      new Set(['#']),
    );
  });

  it('drives a flaky source', () => {
    runMarbles(({ expectObservable }) => {
      const scripts = faultSchedule({ attempts: 3, rate: 1, answer: '-a|', random: seededRandom(1) });
      const source = flaky([...scripts, '-a|'], { attempts: 4 });
      expectObservable(source.pipe(circuitBreaker(new CircuitBreaker()), retry(3))).toBe('-a|');
    });
  });

  it.each([
    [{ rate: 1.1 }, 'option "rate" must be at least 0 and at most 1, got 1.1'],
    [{ rate: Number.NaN }, 'option "rate" must be a finite number, got NaN'],
    [{ attempts: 0 }, 'option "attempts" must be a whole number of at least 1, got 0'],
    [{ attempts: 1.5 }, 'option "attempts" must be a whole number of at least 1, got 1.5'],
    [{ faults: [] }, 'option "faults" must hold at least one of them, got an array of 0'],
  ])('with %o is refused', (wrong, reason) => {
    expect(() => faultSchedule({ ...config, ...wrong, random: seededRandom(1) })).toThrow(reason);
  });
});

describe('seeded random', () => {
  it('is mulberry32', () => {
    const random = seededRandom(42);
    expect([random(), random(), random()]).toStrictEqual([
      0.6011037519201636, 0.44829055899754167, 0.8524657934904099,
    ]);
  });

  it('is in [0, 1) and spreads evenly', () => {
    const random = seededRandom(1);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw++) {
      const number = random();
      expect(number >= 0 && number < 1).toBe(true);
      tenths[Math.floor(number * 10)]! += 1;
    }
    for (const size of tenths) expect(size).toBeGreaterThan(850);
  });
});
