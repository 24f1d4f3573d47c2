import {
  asapScheduler,
  concat,
  defer,
  EMPTY,
  finalize,
  interval,
  NEVER,
  observeOn,
  of,
  repeat,
  retry,
  Subject,
  take,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import {
  flaky,
  MarbleError,
  type MarbleHelpers,
  renderMarbles,
  runMarbles,
} from '../../src/testing/index.ts';

/** What a run complains of. */
function complaint(callback: (helpers: MarbleHelpers) => unknown, options?: { maxTasks: number }): string {
  try {
    runMarbles(callback, options);
  } catch (error) {
    if (error instanceof MarbleError) return error.message.trim();
    throw error;
  }
  throw new Error('the run passed');
}
const lines = (...text: string[]): string => text.join('\n');

describe('a marble run', () => {
  it('has the helpers of RxJS', () => {
    runMarbles(({ cold, hot, time, animate, expectObservable, expectSubscriptions }) => {
      animate('--x');
      const source = cold('--a--|');
      expectObservable(source).toBe('--a--|');
      expectObservable(hot('--a--b'), '---^--!').toBe('-----b');
      expectObservable(timer(time('---|')).pipe(take(1))).toBe('---(0|)', { 0: 0 });
      expectObservable(source).toEqual(
        concat(timer(2), EMPTY)
          .pipe(take(0))
          .pipe(() => cold('--a--|')),
      );
      expectSubscriptions(source.subscriptions).toBe(['^----!', '^----!']);
    });
  });

  it('returns what its callback returns', () => {
    const result = runMarbles(({ expectObservable }) => {
      expectObservable(of('a')).toBe('(a|)');
      return 'result';
    });
    expect(result).toBe('result');
  });

  it('lets hours pass at once', () => {
    runMarbles(({ expectObservable }) => expectObservable(timer(36_000_000)).toBe('600m (a|)', { a: 0 }));
  });

  it('shows every difference, as marbles', () => {
    const message = complaint(({ expectObservable, expectSubscriptions }) => {
      const source = flaky('--a--#', '--b--|');
      expectObservable(source.pipe(retry({ delay: 1_000 }))).toBe('--a-- 1s --c--|');
      expectSubscriptions(source).toBe(['^----!']);
    });
    expect(message).toBe(
      lines(
        'expectObservable 1',
        '  expected  --a 1004ms c--|',
        '  actual    --a 1004ms b--|',
        '                       ^ frame 1007: expected c, got b',
        '',
        'expectSubscriptions 2, subscription 2',
        '  expected  - 1004ms ------',
        '  actual    - 1004ms ^----!',
        '                     ^ frame 1005: expected nothing more, got ^ (subscription)',
      ),
    );
  });

  it('points at the expectation that fails, not at the run', () => {
    const second = (helpers: MarbleHelpers): void => helpers.expectObservable(of('b')).toBe('(a|)');
    let stack = '';
    try {
      runMarbles((helpers) => {
        helpers.expectObservable(of('a')).toBe('(a|)');
        second(helpers);
      });
    } catch (error) {
      stack = String((error as Error).stack);
    }
    expect(stack).toContain('MarbleError: \nexpectObservable 2\n');
    expect(stack).toMatch(/^ +at second /m);
  });

  it('compares with another stream', () => {
    expect(complaint(({ expectObservable }) => expectObservable(of(1)).toEqual(of(2)))).toContain(
      '^ frame 0: expected 2, got 1',
    );
  });

  it('passes on what the callback throws', () => {
    const broken = new TypeError('broken');
    expect(() =>
      runMarbles(() => {
        throw broken;
      }),
    ).toThrow(broken);
  });

  it('after one that failed is a run like any other', () => {
    complaint(({ expectObservable }) => expectObservable(of(1)).toBe(''));
    runMarbles(({ expectObservable }) => expectObservable(timer(5)).toBe('-----(a|)', { a: 0 }));
  });
});

it('the examples of the documentation hold', () => {
  runMarbles(({ expectObservable, expectSubscriptions }) => {
    const source = flaky('--#', '--a|');
    const answer = source.pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(1_000) }));
    expectObservable(answer).toBe('    -- 1s --a|');
    expectSubscriptions(source).toBe(['^-!', '-- 1s ^--!']);
  });
  runMarbles(({ expectObservable, expectSubscriptions }) => {
    const source = flaky('--#', '--a|');
    expectObservable(source.pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(3) }))).toBe(
      '-------a|',
    );
    expectSubscriptions(source).toBe(['^-!', '-----^--!']);
  });
  runMarbles(({ expectObservable }) => expectObservable(flaky('--#', '--a|').pipe(retry(1))).toBe('----a|'));
});

describe('wrong use of a marble run is an error:', () => {
  it('an async callback', () => {
    expect(
      complaint(async ({ expectObservable }) => expectObservable(of(1)).toBe('(1|)', { 1: 1 })),
    ).toContain('The callback of the marble run returned a promise.');
  });

  it('an async callback that throws, without an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    complaint(async () => {
      throw new Error('later');
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listener);
    expect(unhandled).toStrictEqual([]);
  });

  it('an expectation without its toBe', () => {
    expect(complaint(({ expectObservable }) => void expectObservable(of(1)))).toBe(
      'expectObservable 1 was never checked: it lacks its .toBe(marbles).',
    );
    expect(complaint(({ expectChat }) => void expectChat(EMPTY))).toBe(
      'expectChat 1 was never checked: it lacks its .toBe(marbles).',
    );
    expect(complaint(({ expectSubscriptions }) => void expectSubscriptions(flaky('-a')))).toBe(
      "expectSubscriptions 1 was never checked: it lacks its .toBe(['^--!']).",
    );
  });

  it('one of two toBe that does not hold', () => {
    const message = complaint(({ expectObservable }) => {
      const expectation = expectObservable(of('a'));
      expectation.toBe('(b|)');
      expectation.toBe('(a|)');
    });
    expect(message).toContain('^ frame 0: expected b, got a');
  });

  it('an expectation that comes when the run is over', () => {
    let late: MarbleHelpers | undefined;
    runMarbles((helpers) => {
      late = helpers;
      helpers.expectObservable(of('a')).toBe('(a|)');
    });
    for (const expectation of [
      'expectObservable',
      'expectChat',
      'expectSubscriptions',
      'expectEvents',
      'expectNoLeaks',
    ] as const)
      expect(() => late?.[expectation](NEVER as never, [] as never)).toThrow(
        `${expectation} was called when its marble run was over: nobody would check it.`,
      );
  });

  it('no expectation at all', () => {
    expect(complaint(() => of(1).subscribe())).toContain('expects nothing');
  });

  it('but not one that moves the time to look for itself', () => {
    runMarbles(({ cold, flush }) => {
      const seen: string[] = [];
      cold('--a--b|').subscribe((value) => seen.push(value));
      flush();
      expect(seen).toStrictEqual(['a', 'b']);
    });
  });

  it('a stream with a timer that never ends', () => {
    const message = complaint(
      ({ expectObservable }) => {
        expectObservable(of(1)).toBe('(a|)', { a: 1 });
        expectObservable(interval(10)).toBe('---');
      },
      { maxTasks: 50 },
    );
    expect(message).toMatch(
      /^expectObservable 2 never ends: in frame \d+ a task 10 ms later was one too many \(maxTasks\)\./,
    );
    expect(message).toContain("expectObservable(stream, '^-----!')");
  });

  it('a stream that never ends in one moment', () => {
    expect(complaint(({ expectObservable }) => expectObservable(of(1).pipe(repeat())).toBe(''))).toContain(
      'expectObservable 1 never ends: more than 1000 values by frame 0 (maxValues).',
    );
  });

  it('a stream that goes round in asynchronous circles without time', () => {
    const circle = defer(() => of(1).pipe(observeOn(asapScheduler))).pipe(repeat());
    const message = complaint(({ expectObservable }) => expectObservable(circle).toBe(''), { maxTasks: 500 });
    expect(message).toContain('expectObservable 1 never ends');
    // And nothing of it holds up what comes after it.
    runMarbles(({ expectObservable }) =>
      expectObservable(of(1).pipe(observeOn(asapScheduler))).toBe('(a|)', { a: 1 }),
    );
  });

  it('a timer beside the expected streams that never ends', () => {
    const message = complaint(
      ({ expectObservable }) => {
        interval(10).subscribe();
        expectObservable(of(1)).toBe('(a|)', { a: 1 });
      },
      { maxTasks: 50 },
    );
    expect(message).toContain('Something that is no expected stream never ends');
  });

  it('but not an endless stream that is unsubscribed', () => {
    runMarbles(({ expectObservable }) =>
      expectObservable(interval(2), '^----!').toBe('--a-b', { a: 0, b: 1 }),
    );
  });

  it('but not a silent one', () => {
    runMarbles(({ expectObservable }) => expectObservable(NEVER).toBe('---'));
  });

  it('a run inside a run', () => {
    expect(() =>
      runMarbles(({ expectObservable }) => {
        expectObservable(NEVER).toBe('');
        runMarbles(({ expectObservable }) => expectObservable(NEVER).toBe(''));
      }),
    ).toThrow('A marble run inside a marble run');
  });

  it('a letter without a value', () => {
    expect(complaint(({ expectObservable }) => expectObservable(of(1)).toBe('(b|)', { a: 1 }))).toContain(
      'contain "b", for which there is no value; there are a.',
    );
  });

  it('a subscription that is none', () => {
    expect(complaint(({ expectObservable }) => expectObservable(of(1), '--a').toBe(''))).toContain(
      'are those of a subscription',
    );
    expect(complaint(({ expectSubscriptions }) => expectSubscriptions([]).toBe(['--a']))).toContain(
      'are those of a subscription',
    );
  });
});

describe('expected events', () => {
  const failing = (events: EventBus) =>
    flaky('-#', '-a|').pipe(
      retryWithBackoff({ name: 'api', maxRetries: 1, backoff: fixedBackoff(3), events }),
    );

  it('are those of the bus, by type or by what matters of them', () => {
    const events = new EventBus();
    runMarbles(({ expectObservable, expectEvents }) => {
      expectEvents(events, [
        { type: 'retry_attempted', source: 'api', timestamp: 1, data: { attempt: 1, delay: 3 } },
      ]);
      expectEvents(events, ['retry_attempted']);
      expectObservable(failing(events)).toBe('-----a|');
    });
    expect(events.observed).toBe(false);
  });

  it('are shown beside those that were heard', () => {
    const events = new EventBus();
    const message = complaint(({ expectObservable, expectEvents }) => {
      expectEvents(events, ['circuit_opened', { type: 'retry_attempted', source: 'other' }]);
      expectObservable(failing(events)).toBe('-----a|');
    });
    expect(message).toBe(
      lines(
        'events',
        '  ✗ expected circuit_opened, heard retry_attempted from "api" at 1 {"attempt":1,"delay":3,"error":{"name":"Error","message":"error"}}',
        '  ✗ expected retry_attempted {"source":"other"}, heard nothing',
      ),
    );
  });

  it('are all there are', () => {
    const events = new EventBus();
    const message = complaint(({ expectObservable, expectEvents }) => {
      expectEvents(events, []);
      expectObservable(failing(events)).toBe('-----a|');
    });
    expect(message).toContain('✗ expected nothing, heard retry_attempted');
  });
});

describe('expected no leaks', () => {
  it('passes when all is closed', () => {
    runMarbles(({ expectObservable, expectNoLeaks }) => {
      const pool = new Bulkhead({ name: 'pool', maxConcurrent: 1, queueTimeout: 50 });
      const source = flaky('--a--|');
      expectObservable(source.pipe(bulkhead(pool))).toBe('--a--|');
      expectObservable(source.pipe(bulkhead(pool))).toBe('-------a--|');
      expectNoLeaks(pool, source);
    });
  });

  it('names leases, lines, subscriptions and listeners', () => {
    const pool = new Bulkhead({ name: 'pool', maxConcurrent: 1, queueTimeout: Number.POSITIVE_INFINITY });
    const bus = new EventBus();
    const message = complaint(({ expectNoLeaks }) => {
      const source = flaky('--a');
      source.pipe(bulkhead(pool)).subscribe();
      source.pipe(bulkhead(pool)).subscribe();
      bus.subscribe();
      expectNoLeaks(pool, source, bus, new Subject());
    });
    expect(message).toBe(
      lines(
        'leak: "pool" has leases out: 1.',
        '',
        'leak: "pool" has attempts waiting in line: 1.',
        '',
        'leak: subject 2 has subscriptions open: 1.',
        '',
        'leak: subject 3 has listeners.',
      ),
    );
  });

  it('names timers that go on when all streams have ended', () => {
    const careless = defer(() => {
      timer(1_000).subscribe();
      return of('a');
    });
    const message = complaint(({ cold, expectObservable, expectNoLeaks }) => {
      expectObservable(cold('--a---|')).toBe('--a---|');
      expectObservable(careless, '--^---!').toBe('--(a|)');
      expectNoLeaks();
    });
    expect(message).toContain('leak: a timer that is due in frame 1002 was armed when everything had ended.');
  });

  it('does not take for a leak what ends with the streams, or is a marble of the test', () => {
    runMarbles(({ cold, hot, expectObservable, expectNoLeaks }) => {
      hot('-------------x');
      expectObservable(cold('--a-----b').pipe(take(1))).toBe('--(a|)');
      expectObservable(interval(3), '^----!').toBe('---a', { a: 0 });
      expectNoLeaks();
    });
  });

  it('does not take for a leak what is done in the moment in which all ends', () => {
    runMarbles(({ cold, expectObservable, expectNoLeaks }) => {
      const tidy = cold('--|').pipe(finalize(() => timer(0).subscribe()));
      expectObservable(tidy).toBe('--|');
      expectNoLeaks();
    });
  });

  it('excuses the timer of a circuit that is given, for it is on its way to half-open', () => {
    const opened = (helpers: MarbleHelpers, ...given: CircuitBreaker[]): void => {
      const breaker = given[0] ?? new CircuitBreaker({ failureThreshold: 1 });
      helpers.expectObservable(flaky('-#').pipe(circuitBreaker(breaker))).toBe('-#');
      helpers.expectNoLeaks(...given);
    };
    runMarbles((helpers) => opened(helpers, new CircuitBreaker({ failureThreshold: 1 })));
    expect(complaint(opened)).toContain('due in frame 60001');
  });

  it('refuses what it cannot look into', () => {
    expect(complaint(({ expectNoLeaks }) => expectNoLeaks({}))).toContain(
      'expectNoLeaks cannot look into subject 1 ({})',
    );
  });
});

describe('drawn marbles', () => {
  it('show what really happens', () => {
    const picture = renderMarbles(() => {
      const source = flaky('--a--#', '--a--b--|');
      return { attempt: source, answer: source.pipe(retry({ delay: 500 })) };
    });
    expect(picture).toBe(
      lines('attempt 1  --a--#', 'attempt 2               --a--b--|', 'answer     --a--- 499ms --a--b--|'),
    );
  });

  it('show where an attempt was cancelled', () => {
    const picture = renderMarbles(() => {
      const source = flaky('--a--b--|');
      return { source, answer: source.pipe(take(1)) };
    });
    expect(picture).toBe(lines('source  --(a!)', 'answer  --(a|)'));
  });

  it('are checked as well, if something is expected', () => {
    expect(() =>
      renderMarbles(({ expectObservable }) => {
        expectObservable(of(1)).toBe('');
        return { answer: of(1) };
      }),
    ).toThrow('expected nothing more, got 1');
  });

  it('of nothing, of no stream, or of one that never ends are refused', () => {
    expect(() => renderMarbles(() => ({}))).toThrow('returned nothing to draw');
    expect(() => renderMarbles(() => ({ answer: 5 as never }))).toThrow('"answer" is no stream');
    expect(() => renderMarbles(() => ({ answer: interval(1) }), { maxTasks: 20 })).toThrow(
      'answer never ends',
    );
  });
});
