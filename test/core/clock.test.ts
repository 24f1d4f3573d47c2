import { spawn } from 'node:child_process';
import {
  asapScheduler,
  asyncScheduler,
  type SchedulerAction,
  type SchedulerLike,
  VirtualTimeScheduler,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { clockOf, isDue, timestamp } from '../../src/core/clock.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Runs inside `TestScheduler.run` and flushes it. */
function inVirtualTime(body: () => void): void {
  new TestScheduler(() => {}).run(({ flush }) => {
    body();
    flush();
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('in real time', () => {
  test('a wall clock that jumps by an hour moves no reading and no deadline', async () => {
    const clock = clockOf(undefined);
    const before = clock.now();
    let ran = false;
    const timer = clock.schedule(HOUR / 2, () => {
      ran = true;
    });
    vi.setSystemTime(Date.now() + HOUR);
    expect(clock.now() - before).toBeLessThan(HOUR / 4);
    await new Promise((resolve) => clock.schedule(5, () => resolve(undefined)));
    expect(ran).toBe(false);
    timer.cancel();

    vi.setSystemTime(Date.now() - 2 * HOUR);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });

  test.each([
    ['the epoch itself', 0],
    ['a date in 1970', 30 * DAY],
    ['a date before the epoch', -DAY],
  ])('%s is a date like any other', (_, date) => {
    const before = clockOf(undefined).now();
    vi.setSystemTime(date);
    const after = clockOf(undefined).now();
    expect(after).toBeGreaterThanOrEqual(before);
    expect(after - before).toBeLessThan(HOUR);
    expect(clockOf(undefined).marker()().at).toBeNaN();
  });

  test('a date of 1970 that ticks between two readings is not mistaken for virtual time', () => {
    let ticks = 1_000;
    vi.spyOn(Date, 'now').mockImplementation(() => ticks++);
    const readings = Array.from({ length: 100 }, () => clockOf(undefined).now());
    expect(Math.max(...readings) - Math.min(...readings)).toBeLessThan(1_000);
    expect(readings).toStrictEqual([...readings].sort((a, b) => a - b));
    expect(readings[0]).not.toBeCloseTo(1_000, -2);
  });

  test('the values of one turn share one moment, which is unknown until the turn has ended', async () => {
    const mark = clockOf(undefined).marker();
    const otherMark = clockOf(undefined).marker();
    const before = clockOf(undefined).now();
    const first = mark();
    expect(mark()).toBe(first);
    expect(otherMark()).toBe(first);
    expect(first.at).toBeNaN();
    await nextTurn();
    const next = mark();
    expect(next).not.toBe(first);
    expect(first.at).toBeGreaterThanOrEqual(before);
    expect(next.at).toBeNaN();
    await nextTurn();
    expect(next.at).toBeGreaterThanOrEqual(first.at);
  });

  test('a turn that blocks the thread ends when it ends', async () => {
    const clock = clockOf(undefined);
    const moment = clock.marker()();
    const begun = performance.now();
    while (performance.now() - begun < 5) Math.sqrt(2);
    await nextTurn();
    expect(moment.at - begun).toBeGreaterThanOrEqual(5);
  });

  test.each<[string, { now(): number }, number]>([
    ['the host', performance, 100],
    ['its date, where nothing else is fake,', Date, 1e12],
  ])('a timer that is early by the clock of %s is armed again for the rest', (_, source, begun) => {
    const fire: (() => void)[] = [];
    const delays: (number | undefined)[] = [];
    let now = begun;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((task: () => void, delay?: number) => {
      fire.push(task);
      delays.push(delay);
      return 0;
    }) as typeof setTimeout);
    vi.spyOn(source, 'now').mockImplementation(() => now);
    const task = vi.fn();
    clockOf(undefined).schedule(10, task);

    now = begun + 9.5;
    fire.shift()?.();
    expect(task).not.toHaveBeenCalled();
    expect(delays).toStrictEqual([10, 1]);
    now = begun + 10;
    fire.shift()?.();
    expect(task).toHaveBeenCalledTimes(1);
    expect(delays).toHaveLength(2);
  });

  test('a background task does not keep a process alive, any other does', async () => {
    const run = (delay: number, options: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const script = `
          import { clockOf } from './src/core/clock.ts';
          clockOf(undefined).schedule(${delay}, () => console.log('ran'), ${options});
        `;
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
        let output = '';
        child.stdout.on('data', (data: Buffer) => {
          output += data.toString();
        });
        child.on('error', reject);
        child.on('close', (code) => resolve(`${code}: ${output.trim()}`));
      });
    const outcomes = await Promise.all([
      // So long that no machine is slow enough to see it run before the process has ended.
      run(50_000, '{ background: true }'),
      run(300, '{ background: false }'),
      run(300, 'undefined'),
    ]);
    expect(outcomes).toStrictEqual(['0: ', '0: ran', '0: ran']);
  });

  test('and its timer says so to the host, if that wants to know', () => {
    const armed = vi.spyOn(globalThis, 'setTimeout');
    const clock = clockOf(undefined);
    const timers = [
      clock.schedule(HOUR, () => {}, { background: true }),
      clock.schedule(HOUR, () => {}),
      clock.at(clock.now() + HOUR, () => {}),
    ];
    const holds = armed.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef());
    for (const timer of timers) timer.cancel();
    expect(holds).toStrictEqual([false, true, true]);
    // The timers of a browser are numbers.
    armed.mockImplementation((() => 5) as unknown as typeof setTimeout);
    expect(() => clock.schedule(HOUR, () => {}, { background: true })).not.toThrow();
  });

  test('today is a date also in a host whose date cannot be replaced', () => {
    const own = Object.getOwnPropertyDescriptor(Date, 'now') as PropertyDescriptor;
    Object.defineProperty(Date, 'now', { ...own, writable: false });
    const now = clockOf(undefined).now();
    Object.defineProperty(Date, 'now', own);
    expect(Math.abs(now - performance.now())).toBeLessThan(HOUR);
  });

  test('the default scheduler of RxJS, which asks the date, is no other clock', () => {
    expect(clockOf(asyncScheduler)).toBe(clockOf(undefined));
  });
});

describe('inside TestScheduler.run', () => {
  test('readings, timers and moments are virtual without being told', () => {
    const clock = clockOf(undefined);
    const seen: unknown[] = [];
    inVirtualTime(() => {
      const mark = clock.marker();
      seen.push(clock.now(), timestamp());
      clock.schedule(50, () => seen.push(clock.now(), mark(), timestamp()));
      clock.schedule(20, () => seen.push(clock.now(), mark().at));
    });
    expect(seen).toStrictEqual([0, 0, 20, 20, 50, { at: 50 }, 50]);
  });

  test.each([
    ['the epoch itself', 0],
    ['a date in 1970', 20],
  ])('a fake date of %s does not hide virtual time', (_, date) => {
    vi.useFakeTimers({ now: date });
    const seen: number[] = [];
    inVirtualTime(() => {
      const clock = clockOf(undefined);
      seen.push(clock.now());
      clock.schedule(20, () => seen.push(clock.now(), clock.marker()().at));
    });
    expect(seen).toStrictEqual([0, 20, 20]);
    expect(Date.now()).toBe(date);
  });

  test('the clock is the real one again afterwards', () => {
    inVirtualTime(() => {});
    expect(Math.abs(clockOf(undefined).now() - performance.now())).toBeLessThan(HOUR);
  });

  test('asking whether time is virtual leaves the date as it was', () => {
    const { now } = Date;
    inVirtualTime(() => void clockOf(undefined).now());
    expect(Date.now).toBe(now);
  });
});

type Fakes = [what: string, config: Parameters<typeof vi.useFakeTimers>[0]];

const fakesWithClock: Fakes[] = [
  ['all of the host', undefined],
  ['timers and date', { toFake: ['setTimeout', 'clearTimeout', 'Date'] }],
  ['timers and performance', { toFake: ['setTimeout', 'clearTimeout', 'performance'] }],
  ['all of the host, at the epoch', { now: 0 }],
];
const timersOnly: Fakes = ['timers only', { toFake: ['setTimeout', 'clearTimeout'] }];

describe.each<Fakes>([...fakesWithClock, timersOnly])('under fake timers for %s', (_, config) => {
  test('a task runs when its time has come, not before', () => {
    vi.useFakeTimers(config);
    const task = vi.fn();
    clockOf(undefined).schedule(1_000, task);
    vi.advanceTimersByTime(999);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a reading that is to come is waited for, one that has been is there', () => {
    vi.useFakeTimers(config);
    const clock = clockOf(undefined);
    vi.advanceTimersByTime(1_000);
    const seen: string[] = [];
    clock.at(clock.now() + 50, () => seen.push('to come'));
    clock.at(clock.now() - 50, () => seen.push('been'));
    vi.advanceTimersByTime(49);
    expect(seen).toStrictEqual(['been']);
    vi.advanceTimersByTime(1);
    expect(seen).toStrictEqual(['been', 'to come']);
  });

  test('a delay of 30 days, which the host would fire at once, takes 30 days', () => {
    vi.useFakeTimers(config);
    const task = vi.fn();
    clockOf(undefined).schedule(30 * DAY, task);
    vi.advanceTimersByTime(30 * DAY - 1);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
  });

  test('a cancelled task does not run, even if its cancel comes twice or from the task of another', () => {
    vi.useFakeTimers(config);
    const clock = clockOf(undefined);
    const task = vi.fn();
    const timer = clock.schedule(30 * DAY, task);
    clock.schedule(29 * DAY, () => {
      timer.cancel();
      timer.cancel();
    });
    vi.advanceTimersByTime(60 * DAY);
    expect(task).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each(fakesWithClock)(
  'moments are exact under fake timers for %s, however many ticks one turn holds',
  (_, config) => {
    vi.useFakeTimers(config);
    const clock = clockOf(undefined);
    const mark = clock.marker();
    const begun = clock.now();
    const moments: number[] = [];
    for (const delay of [10, 25, 40]) clock.schedule(delay, () => moments.push(mark().at - begun));
    vi.advanceTimersByTime(100);
    expect(moments).toStrictEqual([10, 25, 40]);
    expect(clock.now() - begun).toBe(100);
  },
);

test('a date that jumps under fake timers moves no deadline', () => {
  vi.useFakeTimers();
  const task = vi.fn();
  clockOf(undefined).schedule(1_000, task);
  const before = clockOf(undefined).now();
  vi.setSystemTime(Date.now() - HOUR);
  expect(clockOf(undefined).now()).toBe(before);
  vi.advanceTimersByTime(1_000);
  expect(task).toHaveBeenCalledTimes(1);
});

test('fake timers that were there before the module was loaded are recognised', async () => {
  vi.useFakeTimers();
  vi.resetModules();
  const late = await import('../../src/core/clock.ts');
  const clock = late.clockOf(undefined);
  const mark = clock.marker();
  const begun = clock.now();
  const moments: number[] = [];
  for (const delay of [10, 25]) clock.schedule(delay, () => moments.push(mark().at - begun));
  vi.advanceTimersByTime(100);
  // It believes that the fakes are the host: no other test may meet it.
  vi.resetModules();
  expect(moments).toStrictEqual([10, 25]);
});

describe.each<[string, () => VirtualTimeScheduler]>([
  ['VirtualTimeScheduler', () => new VirtualTimeScheduler()],
  ['TestScheduler outside run', () => new TestScheduler(() => {})],
])('with a scheduler of its own: %s', (_, create) => {
  test('readings, timers and moments come from it alone', () => {
    const scheduler = create();
    const clock = clockOf(scheduler);
    const mark = clock.marker();
    const seen: number[] = [clock.now(), mark().at];
    clock.schedule(50, () => seen.push(clock.now(), mark().at));
    scheduler.flush();
    expect(seen).toStrictEqual([0, 0, 50, 50]);
  });

  test('a cancelled task does not run', () => {
    const scheduler = create();
    const clock = clockOf(scheduler);
    const task = vi.fn();
    const timer = clock.schedule(50, task);
    clock.schedule(20, () => timer.cancel());
    timer.cancel();
    scheduler.flush();
    expect(task).not.toHaveBeenCalled();
  });
});

describe('every clock', () => {
  const schedulers: [string, () => SchedulerLike | undefined][] = [
    ['the system', () => undefined],
    ['a scheduler', () => new VirtualTimeScheduler()],
    ['a scheduler of the host', () => asapScheduler],
  ];

  test.each(schedulers)('%s: Infinity never comes and uses no timer', (_, scheduler) => {
    vi.useFakeTimers();
    const timer = clockOf(scheduler()).schedule(Number.POSITIVE_INFINITY, () => {
      throw new Error('never');
    });
    expect(vi.getTimerCount()).toBe(0);
    timer.cancel();
    timer.cancel();
  });

  test.each(schedulers)('%s: a task may cancel its own timer', (_, schedulerOf) => {
    vi.useFakeTimers();
    const scheduler = schedulerOf();
    let runs = 0;
    const timer = clockOf(scheduler).schedule(5, () => {
      runs++;
      timer.cancel();
    });
    vi.advanceTimersByTime(100);
    if (scheduler instanceof VirtualTimeScheduler) scheduler.flush();
    expect(runs).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a scheduler whose actions come early is asked again for the rest', () => {
    const virtual = new VirtualTimeScheduler();
    const hasty: SchedulerLike = {
      now: () => virtual.now(),
      schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay: number) =>
        virtual.schedule<T>(work, delay / 2),
    };
    const clock = clockOf(hasty);
    const seen: number[] = [];
    clock.schedule(64, () => seen.push(virtual.frame));
    virtual.flush();
    expect(seen).toStrictEqual([64]);
  });

  test('30 days are 30 days on a scheduler of the host too', () => {
    vi.useFakeTimers();
    const task = vi.fn();
    clockOf(asapScheduler).schedule(30 * DAY, task);
    vi.advanceTimersByTime(30 * DAY - 1);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledTimes(1);
  });
});

test('a scheduler is asked once to wait until a reading that is to come', () => {
  const scheduler = new ManualScheduler();
  scheduler.advanceTo(20);
  const asked = vi.spyOn(scheduler, 'schedule');
  clockOf(scheduler).at(50, () => {});
  clockOf(scheduler).at(10, () => {});
  scheduler.advanceTo(60);
  expect(asked.mock.calls.map(([, delay]) => delay)).toStrictEqual([30, 0]);
});

test('a sum of fractional delays is due in spite of rounding, a microsecond too soon is too soon', () => {
  expect(isDue(0.1 + 0.2, 0.3)).toBe(true);
  expect(isDue(1e-6, 0)).toBe(true);
  expect(isDue(100, 99.999)).toBe(false);
  expect(isDue(100, 101)).toBe(true);
});
