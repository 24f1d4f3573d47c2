import { concat, config, EMPTY, NEVER, Observable, of, Subject, take, takeUntil, throwError } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { admission } from '../../src/core/admission.ts';
import { clockOf } from '../../src/core/clock.ts';
import { type Applicant, Lease } from '../../src/core/lease.ts';
import { racing } from '../../src/core/race.ts';
import { type Failure, Postponed, type Recovery } from '../../src/core/recovery.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const boom = new Error('boom');
const failing = throwError(() => boom);
const isNoPing = (value: string): boolean => value !== 'ping';

/** A source that is told what to send, and tells when it starts and stops. */
class Runner {
  readonly values$ = new Subject<string>();
  readonly stream: Observable<string>;

  constructor(name: string, log: unknown[] = [], teardown?: () => void) {
    this.stream = new Observable((subscriber) => {
      log.push(`${name} starts`);
      subscriber.add(this.values$.subscribe(subscriber));
      return () => {
        log.push(`${name} stops`);
        teardown?.();
      };
    });
  }

  get runs(): boolean {
    return this.values$.observed;
  }
}

/** A line of one, who is let in when it opens. */
class Line {
  private applicant: Applicant | undefined;
  readonly operator = admission({
    admit: (applicant) => {
      this.applicant = applicant;
      return { leave() {} };
    },
  });

  open(): void {
    this.applicant?.granted(new NoLease());
  }
}

class NoLease extends Lease {
  protected override onSettled(): void {}
}

interface Script {
  readonly rivals: Observable<string>[];
  readonly delay?: number;
  readonly commitOn?: Recovery<string>['commitOn'];
  readonly recover?: Recovery<string>['recover'];
}

/** A race of a source with these, each of which joins `delay` after the one before. */
function race(
  source: Observable<string>,
  { rivals, delay = 10, commitOn, recover }: Script,
  log: unknown[] = [],
) {
  const scheduler = new ManualScheduler();
  const clock = clockOf(scheduler);
  const failures: (Failure & { rivals: number })[] = [];
  const left = [...rivals];
  const won: unknown[] = [];
  const stream = racing<string>(source, () => ({
    commitOn,
    recover(failure, others) {
      failures.push({ ...failure, rivals: others });
      if (recover) return recover(failure, others);
      if (others > 0) return undefined;
      throw failure.error;
    },
    rival: () => (left.length === 0 ? undefined : new Postponed(clock, delay, () => left.shift())),
    won: (winner, losers) => void won.push({ winner, losers }),
  }));
  const subscribe = (observed = stream) =>
    observed.subscribe({
      next: (value) => log.push(value),
      error: (error: Error) => log.push(`error ${error.message}`),
      complete: () => log.push('complete'),
    });
  return { scheduler, stream, subscribe, log, failures, won };
}

afterEach(() => {
  config.onUnhandledError = null;
  config.onStoppedNotification = null;
  vi.useRealTimers();
});

describe('the first to commit', () => {
  test('has won: the others stop before its first value is delivered', () => {
    const log: unknown[] = [];
    const first = new Runner('first', log);
    const second = new Runner('second', log);
    const { scheduler, subscribe, won } = race(first.stream, { rivals: [second.stream] }, log);
    subscribe();
    scheduler.advanceTo(10);
    second.values$.next('b');
    second.values$.complete();
    expect(log).toStrictEqual([
      'first starts',
      'second starts',
      'first stops',
      'b',
      'complete',
      'second stops',
    ]);
    expect(won).toStrictEqual([{ winner: 2, losers: [1] }]);
    expect(scheduler.pending).toBe(0);
  });

  test('needs no rival if it is in time', () => {
    const first = new Runner('first');
    const { scheduler, subscribe, log, won } = race(first.stream, { rivals: [failing] });
    subscribe();
    first.values$.next('a');
    expect(scheduler.pending).toBe(0);
    first.values$.next('b');
    expect(log).toStrictEqual(['a', 'b']);
    expect(won).toStrictEqual([{ winner: 1, losers: [] }]);
  });

  test('delivers what it has held back, in order; what losers have held back is lost with them', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const { scheduler, subscribe, log } = race(first.stream, { rivals: [second.stream], commitOn: isNoPing });
    subscribe();
    first.values$.next('ping');
    scheduler.advanceTo(10);
    second.values$.next('ping');
    second.values$.next('ping');
    expect(log).toStrictEqual([]);
    second.values$.next('b');
    first.values$.next('a');
    second.values$.next('ping');
    expect(log).toStrictEqual(['ping', 'ping', 'b', 'ping']);
  });

  test('is asked for once', () => {
    const asked: string[] = [];
    const commitOn = (value: string): boolean => {
      asked.push(value);
      return isNoPing(value);
    };
    const { subscribe } = race(of('ping', 'a', 'ping', 'b'), { rivals: [], commitOn });
    subscribe();
    expect(asked).toStrictEqual(['ping', 'a']);
  });

  test('fails like any committed stream: nobody is asked', () => {
    const { subscribe, log, failures } = race(concat(of('a'), failing), { rivals: [of('b')] });
    subscribe();
    expect(log).toStrictEqual(['a', 'error boom']);
    expect(failures).toStrictEqual([]);
  });

  test.each([3, 100_000])('stops when downstream has had enough, of %s values', (count) => {
    let emitted = 0;
    const source = new Observable<string>((subscriber) => {
      while (emitted < count && !subscriber.closed) subscriber.next(`${emitted++}`);
    });
    const { subscribe, stream, log } = race(source, { rivals: [NEVER] });
    subscribe(stream.pipe(take(3)));
    expect(emitted).toBe(3);
    expect(log).toStrictEqual(['0', '1', '2', 'complete']);
  });
});

test('an author who names no rivals and does not ask who has won lets the first run alone', () => {
  const log: unknown[] = [];
  const first = new Runner('first', log);
  racing(first.stream, () => ({ recover: () => EMPTY })).subscribe((value) => log.push(value));
  first.values$.next('a');
  first.values$.next('b');
  first.values$.complete();
  expect(log).toStrictEqual(['first starts', 'a', 'b', 'first stops']);
});

describe('who has not committed cannot win', () => {
  test('an empty attempt waits for the others, and the stream completes with it if nobody wins', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const script = { rivals: [second.stream], commitOn: isNoPing };
    const { scheduler, subscribe, log, failures } = race(first.stream, script);
    subscribe();
    scheduler.advanceTo(10);
    first.values$.next('ping');
    first.values$.complete();
    expect(log).toStrictEqual([]);
    second.values$.error(boom);
    expect(log).toStrictEqual(['ping', 'complete']);
    expect(failures).toStrictEqual([{ error: boom, emitted: 0, rivals: 1 }]);
  });

  test('an empty attempt alone is the end: there is nothing that another could do better', () => {
    const { scheduler, subscribe, log } = race(EMPTY, { rivals: [of('b')] });
    subscribe();
    expect(log).toStrictEqual(['complete']);
    expect(scheduler.pending).toBe(0);
  });

  test('all empty: the stream completes with the first', () => {
    const first = new Runner('first');
    const script = { rivals: [of('ping', 'ping'), EMPTY], commitOn: isNoPing };
    const { scheduler, subscribe, log } = race(first.stream, script);
    subscribe();
    scheduler.advanceTo(20);
    first.values$.complete();
    expect(log).toStrictEqual(['ping', 'ping', 'complete']);
  });

  test('a failed one leaves the stream to the others', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const { scheduler, subscribe, log, failures } = race(first.stream, { rivals: [second.stream] });
    subscribe();
    scheduler.advanceTo(10);
    first.values$.error(boom);
    expect(log).toStrictEqual([]);
    second.values$.next('b');
    expect(log).toStrictEqual(['b']);
    expect(failures).toStrictEqual([{ error: boom, emitted: 0, rivals: 1 }]);
  });

  test('the verdict on the last one is the end', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const { scheduler, subscribe, log, failures } = race(first.stream, { rivals: [second.stream] });
    subscribe();
    scheduler.advanceTo(10);
    second.values$.error(new Error('second'));
    first.values$.error(boom);
    expect(log).toStrictEqual(['error boom']);
    expect(failures.map(({ rivals }) => rivals)).toStrictEqual([1, 0]);
  });

  test('an attempt that never commits must not fill the memory', () => {
    const first = new Runner('first');
    const { subscribe, log } = race(first.stream, { rivals: [], commitOn: isNoPing });
    subscribe();
    for (let sent = 0; sent < 999; sent++) first.values$.next('ping');
    expect(first.runs).toBe(true);
    first.values$.next('ping');
    expect(first.runs).toBe(false);
    expect(log).toStrictEqual([
      'error The attempt sent 1000 values, and none that commits: "commitOn" has to say yes to one of them.',
    ]);
  });

  test('but another may follow it', () => {
    const first = new Runner('first');
    const script = { rivals: [], commitOn: isNoPing, recover: () => of('b') };
    const { subscribe, log } = race(first.stream, script);
    subscribe();
    for (let sent = 0; sent < 1_000; sent++) first.values$.next('ping');
    expect(log).toStrictEqual(['b', 'complete']);
  });

  test('an attempt that fails while it is asked whether it commits', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const commitOn = (value: string): boolean => {
      if (value === 'a') first.values$.error(boom);
      return true;
    };
    const script = { rivals: [], commitOn, recover: () => second.stream };
    const { subscribe, log, won } = race(first.stream, script);
    subscribe();
    first.values$.next('a');
    second.values$.next('b');
    expect(log).toStrictEqual(['b']);
    expect(won).toStrictEqual([{ winner: 2, losers: [] }]);
  });
});

describe('who joins', () => {
  test('each waits for the latest, and a delay of 0 uses no timer', () => {
    const log: unknown[] = [];
    const runners = ['first', 'second', 'third'].map((name) => new Runner(name, log));
    const [first, ...rivals] = runners.map(({ stream }) => stream);
    const late = race(first!, { rivals }, log);
    late.subscribe();
    late.scheduler.advanceTo(19);
    expect(log).toStrictEqual(['first starts', 'second starts']);
    late.scheduler.advanceTo(20);
    expect(log.at(-1)).toBe('third starts');
    expect(late.scheduler.pending).toBe(0);

    const atOnce = race(first!, { rivals, delay: 0 });
    atOnce.subscribe();
    expect(log.slice(3)).toStrictEqual(['first starts', 'second starts', 'third starts']);
  });

  test('who follows a failure at once begins a new wait', () => {
    const log: unknown[] = [];
    const first = new Runner('first', log);
    const spare = new Runner('spare', log);
    const { scheduler, subscribe } = race(
      first.stream,
      { rivals: [new Runner('rival', log).stream], recover: () => spare.stream },
      log,
    );
    subscribe();
    scheduler.advanceTo(8);
    first.values$.error(boom);
    scheduler.advanceTo(17);
    expect(log).toStrictEqual(['first starts', 'first stops', 'spare starts']);
    scheduler.advanceTo(18);
    expect(log.at(-1)).toBe('rival starts');
  });

  test.each([0, 10])('%s ms after the beginning, not after the wait in a line', (delay) => {
    const log: unknown[] = [];
    const line = new Line();
    const first = new Runner('first', log);
    const rival = new Runner('rival', log);
    const source = first.stream.pipe(line.operator);
    const { scheduler, subscribe } = race(source, { rivals: [rival.stream], delay }, log);
    subscribe();
    scheduler.advanceTo(100);
    expect(log).toStrictEqual([]);
    line.open();
    scheduler.advanceTo(100 + delay - 1);
    expect(log).toStrictEqual(delay === 0 ? ['first starts', 'rival starts'] : ['first starts']);
    scheduler.advanceTo(100 + delay);
    expect(log).toStrictEqual(['first starts', 'rival starts']);
  });

  test('who is about to is waited for, also when all others have ended by then', () => {
    const line = new Line();
    const first = new Runner('first');
    const second = new Runner('second');
    const script: Script = {
      rivals: [second.stream, EMPTY.pipe(line.operator)],
      commitOn: isNoPing,
      recover() {
        line.open();
        return of('d');
      },
    };
    const { scheduler, subscribe, log } = race(first.stream, script);
    subscribe();
    scheduler.advanceTo(20);
    first.values$.next('ping');
    first.values$.complete();
    second.values$.error(boom);
    expect(log).toStrictEqual(['d', 'complete']);
  });

  test('nobody, if there is none to be made after all', () => {
    const scheduler = new ManualScheduler();
    const first = new Runner('first');
    const log: unknown[] = [];
    racing<string>(first.stream, () => ({
      recover({ error }) {
        throw error;
      },
      rival: () => new Postponed(clockOf(scheduler), 5, () => undefined),
    })).subscribe({ error: (error: Error) => log.push(error.message) });
    scheduler.advanceTo(100);
    expect(first.runs).toBe(true);
    first.values$.error(boom);
    expect(log).toStrictEqual(['boom']);
  });

  test('100 000 that fail at once do not overflow the stack', () => {
    let attempts = 0;
    const { subscribe, log } = race(failing, {
      rivals: [],
      recover: () => (++attempts < 100_000 ? failing : of('a')),
    });
    subscribe();
    expect(log).toStrictEqual(['a', 'complete']);
  });
});

describe('what the author throws is the error of the stream, and everybody has stopped before', () => {
  const ofAuthor = (): never => {
    throw new Error('from the author');
  };

  test.each<[string, Partial<Script>]>([
    ['commitOn', { commitOn: ofAuthor }],
    ['recover', { recover: ofAuthor }],
  ])('%s', (method, script) => {
    const log: unknown[] = [];
    const first = new Runner('first', log);
    const second = new Runner('second', log);
    const { scheduler, subscribe } = race(first.stream, { rivals: [second.stream, NEVER], ...script }, log);
    subscribe();
    scheduler.advanceTo(10);
    if (method === 'commitOn') first.values$.next('a');
    else first.values$.error(boom);
    expect(log.slice(2)).toStrictEqual(['first stops', 'second stops', 'error from the author']);
    expect(scheduler.pending).toBe(0);
  });

  test.each([0, 10])('the making of a rival, after %s ms', (delay) => {
    const log: unknown[] = [];
    const scheduler = new ManualScheduler();
    const first = new Runner('first', log);
    racing<string>(first.stream, () => ({
      recover: () => EMPTY,
      rival: () => new Postponed(clockOf(scheduler), delay, ofAuthor),
    })).subscribe({ error: (error: Error) => log.push(error.message) });
    scheduler.advanceTo(10);
    expect(log).toStrictEqual(['first starts', 'first stops', 'from the author']);
  });
});

describe('a cancel', () => {
  test('stops everybody, and nobody joins', () => {
    const first = new Runner('first');
    const second = new Runner('second');
    const { scheduler, subscribe, log } = race(first.stream, { rivals: [second.stream, of('c')] });
    const subscription = subscribe();
    scheduler.advanceTo(10);
    subscription.unsubscribe();
    expect([first.runs, second.runs, scheduler.pending]).toStrictEqual([false, false, 0]);
    expect(log).toStrictEqual([]);
  });

  test('by the end of a loser: the winner is not delivered, and nobody hears that it has won', () => {
    const cancel$ = new Subject<void>();
    const first = new Runner('first', [], () => cancel$.next());
    const second = new Runner('second');
    const { scheduler, stream, subscribe, log, won } = race(first.stream, { rivals: [second.stream] });
    subscribe(stream.pipe(takeUntil(cancel$)));
    scheduler.advanceTo(10);
    second.values$.next('b');
    expect(log).toStrictEqual(['complete']);
    expect(won).toStrictEqual([]);
    expect(second.runs).toBe(false);
  });

  test('inside the first value', () => {
    const first = new Runner('first');
    const { stream, subscribe, log } = race(first.stream, { rivals: [NEVER], commitOn: isNoPing });
    subscribe(stream.pipe(take(1)));
    first.values$.next('ping');
    first.values$.next('a');
    expect(log).toStrictEqual(['ping', 'complete']);
    expect(first.runs).toBe(false);
  });
});

describe('re-entrancy', () => {
  test('a winner that goes on while the losers stop is heard in order, and so is its end', () => {
    const second = new Runner('second');
    const first = new Runner('first', [], () => {
      second.values$.next('c');
      second.values$.complete();
    });
    const { scheduler, subscribe, log } = race(first.stream, { rivals: [second.stream] });
    subscribe();
    scheduler.advanceTo(10);
    second.values$.next('b');
    expect(log).toStrictEqual(['b', 'c', 'complete']);
  });

  test('a winner that fails while the losers stop has committed', () => {
    const second = new Runner('second');
    const first = new Runner('first', [], () => second.values$.error(boom));
    const { scheduler, subscribe, log, failures } = race(first.stream, { rivals: [second.stream] });
    subscribe();
    scheduler.advanceTo(10);
    second.values$.next('b');
    expect(log).toStrictEqual(['b', 'error boom']);
    expect(failures).toStrictEqual([]);
  });

  test('and what it comes to then is no news to whoever has left by its first value', () => {
    vi.useFakeTimers();
    const stopped: unknown[] = [];
    config.onStoppedNotification = (notification) => stopped.push(notification);
    const second = new Runner('second');
    const first = new Runner('first', [], () => second.values$.complete());
    const { scheduler, stream, subscribe, log } = race(first.stream, { rivals: [second.stream] });
    subscribe(stream.pipe(take(1)));
    scheduler.advanceTo(10);
    second.values$.next('b');
    vi.runAllTimers();
    expect(log).toStrictEqual(['b', 'complete']);
    expect(stopped).toStrictEqual([]);
  });

  test('what is sent while what was held back is delivered comes behind it', () => {
    const first = new Runner('first');
    const log: string[] = [];
    const { stream } = race(first.stream, { rivals: [], commitOn: isNoPing });
    stream.subscribe((value) => {
      log.push(value);
      if (log.length === 1) first.values$.next('late');
    });
    first.values$.next('ping');
    first.values$.next('a');
    expect(log).toStrictEqual(['ping', 'a', 'late']);
  });

  test('a rival whose subscription lets the first attempt win is a loser', () => {
    const first = new Runner('first');
    let stopped = false;
    const rival = new Observable<string>((subscriber) => {
      first.values$.next('a');
      subscriber.next('b');
      return () => {
        stopped = true;
      };
    });
    const { scheduler, subscribe, log, won } = race(first.stream, { rivals: [rival] });
    subscribe();
    scheduler.advanceTo(10);
    expect(log).toStrictEqual(['a']);
    expect(won).toStrictEqual([{ winner: 1, losers: [2] }]);
    expect(stopped).toBe(true);
  });

  test('a rival whose subscription lets the first attempt fail goes on, and both count when it fails too', () => {
    const first = new Runner('first');
    const rival = new Observable<string>((subscriber) => {
      first.values$.error(boom);
      subscriber.error(new Error('second'));
    });
    const { scheduler, subscribe, log, failures } = race(first.stream, { rivals: [rival] });
    subscribe();
    scheduler.advanceTo(10);
    expect(log).toStrictEqual(['error second']);
    expect(failures.map(({ error, rivals }) => [(error as Error).message, rivals])).toStrictEqual([
      ['boom', 1],
      ['second', 0],
    ]);
  });

  test('a loser that cannot stop does not hold up the winner', () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const first = new Runner('first', [], () => {
      throw boom;
    });
    const second = new Runner('second');
    const { scheduler, subscribe, log } = race(first.stream, { rivals: [second.stream] });
    subscribe();
    scheduler.advanceTo(10);
    second.values$.next('b');
    expect(log).toStrictEqual(['b']);
    expect(reported).toHaveLength(1);
  });
});
