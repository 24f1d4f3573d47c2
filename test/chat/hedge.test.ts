import { concat, NEVER, type Observable, of, throwError, timer } from 'rxjs';
import { mergeMap } from 'rxjs/operators';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import {
  type AttemptReport,
  type CallPhase,
  type ChatChunk,
  type ChatResponse,
  isStreamInterruptedError,
  type ResilientProviderConfig,
} from '../../src/chat/index.ts';
import {
  Bulkhead,
  CircuitBreaker,
  EventBus,
  fixedBackoff,
  isFallbackExhaustedError,
  isHedgeExhaustedError,
  LatencyPercentile,
  RetryBudget,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { breaksAfter, FINISH, failing, HELLO, read, resilient, says, scripted, words } from './scripted.ts';

/** Runs something, and all the time that it needs. */
function virtually<R>(body: () => R): R {
  return new TestScheduler(() => {}).run(({ flush }) => {
    const result = body();
    flush();
    return result;
  });
}

const after = (delay: number, then: Observable<ChatChunk>): Observable<ChatChunk> =>
  timer(delay).pipe(mergeMap(() => then));
const USAGE: ChatChunk = { type: 'usage', usage: { inputTokens: 7 } };

interface Story {
  readonly shown: string;
  readonly chunks: readonly ChatChunk[];
  readonly error: unknown;
  /** Attempt, provider, outcome, and to whom it was lost. */
  readonly ledger: readonly unknown[];
  readonly reports: readonly AttemptReport[];
  readonly events: readonly string[];
  readonly ended: number;
}

/** Plays one call of a provider to its end. */
function play(config: ResilientProviderConfig): Story {
  const events = new EventBus();
  const heard: string[] = [];
  const reports: AttemptReport[] = [];
  const ends: number[] = [];
  events.subscribe((event) => {
    if (event.type.startsWith('hedge_')) heard.push(event.type);
    if (event.type === 'attempt_ended') reports.push(event.data as AttemptReport);
    if (event.type === 'stream_ended') ends.push(event.data.duration);
  });
  const chunks: ChatChunk[] = [];
  let shown = '';
  let error: unknown;
  virtually(() =>
    resilient({ ...config, events })
      .stream(HELLO)
      .subscribe({
        next(chunk) {
          chunks.push(chunk);
          if (chunk.type === 'text') shown += chunk.text;
          if (chunk.type === 'retract') shown = '';
        },
        error(thrown) {
          error = thrown;
        },
      }),
  );
  const ledger = reports.map(({ attempt, provider, outcome, lostTo }) => [
    attempt,
    provider,
    outcome,
    lostTo,
  ]);
  return { shown, chunks, error, ledger, reports, events: heard, ended: ends[0] ?? Number.NaN };
}

const common = { circuitBreaker: { failureThreshold: 2 } };

describe('a race of attempts', () => {
  test('the first content decides it, and the other one is closed', () => {
    const main = scripted('main', [after(500, says('late')), after(20, says('soon'))]);
    const { shown, chunks, ledger, events, ended } = play({ provider: main, hedge: 100 });
    expect(shown).toBe('soon');
    expect(chunks.map(({ type }) => type)).toStrictEqual(['text', 'finish']);
    expect(ledger).toStrictEqual([
      [1, 'main', 'cancelled', 2],
      [2, 'main', 'completed', undefined],
    ]);
    expect(events).toStrictEqual(['hedge_started', 'hedge_won']);
    expect(ended).toBe(120);
  });

  test('the preamble decides nothing: what a loser has told is in the ledger, and nowhere else', () => {
    const preamble = concat(of(USAGE), after(500, says('late')));
    const main = scripted('main', [preamble, after(20, says('soon'))]);
    const { chunks, reports } = play({ provider: main, hedge: 100 });
    expect(chunks.map(({ type }) => type)).toStrictEqual(['text', 'finish']);
    expect(reports[0]).toMatchObject({ outcome: 'cancelled', phase: 'preamble', lostTo: 2, duration: 120 });
    expect(reports[0]?.usage).toStrictEqual({ inputTokens: 7 });
    expect(reports[0]?.timeToFirstToken).toBeUndefined();
  });

  test('a loser is neutral to the breaker, and gives its place back', () => {
    const breaker = new CircuitBreaker({ events: new EventBus() });
    const places = new Bulkhead({ maxConcurrent: 2, events: new EventBus() });
    const main = scripted('main', [NEVER, after(20, says('a'))]);
    play({ provider: main, hedge: 100, circuitBreaker: breaker, bulkhead: places });
    expect(breaker.stats).toMatchObject({ successCount: 1, failureCount: 0, activeCount: 0 });
    expect(places.activeCount).toBe(0);
  });

  test('an attempt that fails is followed at once; what no repetition cures is not', () => {
    const main = scripted('main', [
      after(
        10,
        throwError(() => failing('overloaded')),
      ),
      after(10, says('a')),
    ]);
    const { shown, ended, ledger } = play({ provider: main, hedge: 100 });
    expect([shown, ended]).toStrictEqual(['a', 20]);
    expect(ledger).toStrictEqual([
      [1, 'main', 'failed', undefined],
      [2, 'main', 'completed', undefined],
    ]);
    const wrong = scripted('main', [failing('invalid')]);
    play({ provider: wrong, hedge: 100 });
    expect(wrong.asked.length).toBe(1);
  });

  test('all fail: the retry sees one error, and begins the race anew', () => {
    const down = throwError(() => failing('server'));
    const main = scripted('main', [
      after(150, down),
      after(10, down),
      after(150, down),
      after(10, says('a')),
    ]);
    const retry = { maxRetries: 1, backoff: fixedBackoff(50) };
    const { shown, ledger, ended } = play({ provider: main, hedge: 100, retry });
    expect(shown).toBe('a');
    // 100 and 10 ms for the hedge that fails, 150 for the first attempt; 50 of back-off; and 110 again.
    expect(ended).toBe(150 + 50 + 110);
    expect(ledger).toStrictEqual([
      [2, 'main', 'failed', undefined],
      [1, 'main', 'failed', undefined],
      [3, 'main', 'cancelled', 4],
      [4, 'main', 'completed', undefined],
    ]);
    const hopeless = play({ provider: scripted('main', [after(10, down)]), hedge: 100 });
    expect(isHedgeExhaustedError(hopeless.error)).toBe(true);
  });

  test('after content nothing is hedged; a broken answer is restarted or continued, and that is hedged again', () => {
    const broken = after(10, breaksAfter(words('The quick brown fox ')));
    const retry = { maxRetries: 1, backoff: fixedBackoff(0) };
    const failed = play({ provider: scripted('main', [broken]), hedge: 100, retry });
    expect(isStreamInterruptedError(failed.error)).toBe(true);
    expect(failed.events).toStrictEqual([]);

    for (const recovery of ['restart', 'continue'] as const) {
      const rest = recovery === 'restart' ? 'Hello' : 'jumps';
      const main = scripted('main', [broken, NEVER, after(10, says(rest))]);
      const { shown, chunks, ledger } = play({ provider: main, hedge: 100, retry, recovery });
      expect(shown).toBe(recovery === 'restart' ? 'Hello' : 'The quick brown fox jumps');
      const mark = recovery === 'restart' ? 'retract' : 'resume';
      expect(chunks.map(({ type }) => type)).toStrictEqual(['text', mark, 'text', 'finish']);
      expect(ledger).toStrictEqual([
        [1, 'main', 'failed', undefined],
        [2, 'main', 'cancelled', 3],
        [3, 'main', 'completed', undefined],
      ]);
    }
  });

  test('who waits for a place is not late', () => {
    const places = new Bulkhead({ maxConcurrent: 1, queueTimeout: 10_000, events: new EventBus() });
    const holder = virtually(() => places);
    const main = scripted('main', [after(300, says('a')), after(20, says('b'))]);
    const provider = resilient({ provider: main, hedge: 400, bulkhead: holder });
    virtually(() => {
      provider.stream(HELLO).subscribe();
      provider.stream(HELLO).subscribe();
    });
    expect(main.asked.length).toBe(2);
  });

  test('the delay may be learnt, over all calls', () => {
    const main = scripted('main', [after(40, says('a'))]);
    const usual = new LatencyPercentile({ minimumSamples: 2 });
    const provider = resilient({ provider: main, hedge: { delay: usual } });
    virtually(() => provider.stream(HELLO).subscribe());
    virtually(() => provider.stream(HELLO).subscribe());
    expect([usual.count, usual.delay]).toStrictEqual([2, 40]);
  });

  test('retries and hedges of all calls spend from one budget, also when it is given as a config', () => {
    const down = throwError(() => failing('server'));
    const asked = (budget: RetryBudget | { retryRatio: number; minRetriesPerSecond: number }): number => {
      const main = scripted('main', [down]);
      const provider = resilient({
        provider: main,
        hedge: 100,
        retry: { maxRetries: 3, backoff: fixedBackoff(1), budget },
        ...common,
        circuitBreaker: { failureThreshold: 1_000 },
      });
      virtually(() => {
        for (let call = 0; call < 10; call++) provider.stream(HELLO).subscribe({ error() {} });
      });
      return main.asked.length;
    };
    const config = { retryRatio: 0.5, minRetriesPerSecond: 0 };
    expect(asked(config)).toBe(15);
    expect(asked(new RetryBudget(config))).toBe(15);
  });

  test('the totals say how many were lost', () => {
    const main = scripted('main', [NEVER, after(20, says('a'))]);
    const provider = resilient({ provider: main, hedge: 100 });
    virtually(() => provider.stream(HELLO).subscribe());
    expect(provider.stats.providers.main).toMatchObject({ attempts: 2, completed: 1, cancelled: 1, lost: 1 });
  });

  test('a caller who leaves loses no race: both attempts are cancelled', () => {
    const events = new EventBus();
    const reports: AttemptReport[] = [];
    events.on('attempt_ended').subscribe(({ data }) => reports.push(data as AttemptReport));
    const provider = resilient({ provider: scripted('main', [NEVER]), hedge: 100, events });
    virtually(() => {
      const subscription = provider.stream(HELLO).subscribe();
      timer(150).subscribe(() => subscription.unsubscribe());
    });
    expect(reports.map(({ outcome, lostTo }) => [outcome, lostTo])).toStrictEqual([
      ['cancelled', undefined],
      ['cancelled', undefined],
    ]);
  });

  test('phases tell which attempt they are of', () => {
    const phases: string[] = [];
    const onPhase = ({ phase, attempt }: CallPhase): void => void phases.push(`${phase} ${attempt}`);
    const main = scripted('main', [concat(of(USAGE), NEVER), after(20, says('a'))]);
    virtually(() => resilient({ provider: main, hedge: 100 }).stream(HELLO, { onPhase }).subscribe());
    expect(phases).toStrictEqual([
      'queued 0',
      'connecting 1',
      'preamble 1',
      'connecting 2',
      'preamble 2',
      'content 2',
      'ended 2',
    ]);
  });
});

describe('a race of providers', () => {
  const race = { delay: 100, race: 'providers' } as const;

  test('the next one joins who is late, and a switch mark says who speaks', () => {
    const [main, spare] = [scripted('main', [NEVER]), scripted('spare', [after(20, says('a'))])];
    const { chunks, ledger, events, ended } = play({ provider: main, fallbackProvider: spare, hedge: race });
    expect(chunks).toStrictEqual([{ type: 'switch', from: 'main', to: 'spare' }, ...words('a'), FINISH]);
    expect(ledger).toStrictEqual([
      [1, 'main', 'cancelled', 2],
      [2, 'spare', 'completed', undefined],
    ]);
    expect(events).toStrictEqual(['hedge_started', 'hedge_won']);
    expect(ended).toBe(120);
  });

  test('where the first one wins, there is no trace of the other', () => {
    const [main, spare] = [
      scripted('main', [after(150, says('a'))]),
      scripted('spare', [after(100, says('b'))]),
    ];
    const { chunks, ledger } = play({ provider: main, fallbackProvider: spare, hedge: race });
    expect(chunks).toStrictEqual([...words('a'), FINISH]);
    expect(ledger).toStrictEqual([
      [2, 'spare', 'cancelled', 1],
      [1, 'main', 'completed', undefined],
    ]);
  });

  test('a switch to who was faster has no error, a switch after a failure has', () => {
    const errors: unknown[] = [];
    const events = new EventBus();
    events.on('provider_switched').subscribe(({ data }) => errors.push(data.error?.kind));
    const spare = () => scripted('spare', [after(20, says('a'))]);
    for (const main of [scripted('main', [NEVER]), scripted('main', [failing('quota')])])
      virtually(() =>
        resilient({ provider: main, fallbackProvider: spare(), hedge: race, events })
          .stream(HELLO)
          .subscribe(),
      );
    expect(errors).toStrictEqual([undefined, 'quota']);
  });

  test('who fails is followed at once, unless nobody else may know better', () => {
    const spare = scripted('spare', [says('a')]);
    expect(
      read(
        resilient({
          provider: scripted('main', [failing('auth')]),
          fallbackProvider: spare,
          hedge: race,
        }).stream(HELLO),
      ).shown,
    ).toBe('a');
    const other = scripted('spare', [says('a')]);
    const { error } = read(
      resilient({
        provider: scripted('main', [failing('invalid')]),
        fallbackProvider: other,
        hedge: race,
      }).stream(HELLO),
    );
    expect([other.asked.length, (error as { kind?: string }).kind]).toStrictEqual([0, 'invalid']);
  });

  test('every provider has its retries in it, and whoever is out of the race is asked when those in it have failed', () => {
    const down = throwError(() => failing('server'));
    const main = scripted('main', [after(150, down)]);
    const second = scripted('second', [after(10, down)]);
    const third = scripted('third', [says('c')]);
    const { shown, ledger } = play({
      provider: main,
      fallbackProviders: [second, third],
      hedge: race,
      retry: { maxRetries: 1, backoff: fixedBackoff(10) },
    });
    expect(shown).toBe('c');
    expect(ledger.map((line) => (line as unknown[]).slice(1, 3))).toStrictEqual([
      ['second', 'failed'],
      ['second', 'failed'],
      ['main', 'failed'],
      ['main', 'failed'],
      ['third', 'completed'],
    ]);
  });

  test('all fail: one error tells of every provider', () => {
    const down = (name: string) =>
      scripted(name, [
        after(
          10,
          throwError(() => failing('server', name)),
        ),
      ]);
    const { error } = play({
      provider: down('main'),
      fallbackProviders: [down('second'), down('third')],
      hedge: race,
    });
    expect(isFallbackExhaustedError(error) && error.errors.map((it) => (it as Error).message)).toStrictEqual([
      'main',
      'second',
      'third',
    ]);
  });

  test('a winner that breaks may be replaced by who has lost to it', () => {
    const main = scripted('main', [NEVER, after(10, says('Hello'))]);
    const spare = scripted('spare', [after(10, breaksAfter(words('Good ')))]);
    const { shown, chunks } = play({
      provider: main,
      fallbackProvider: spare,
      hedge: race,
      recovery: 'restart',
    });
    expect(shown).toBe('Hello');
    expect(chunks.map(({ type }) => type)).toStrictEqual([
      'switch',
      'text',
      'retract',
      'switch',
      'text',
      'finish',
    ]);
  });

  test('a budget that is empty refuses a race, not a fallback', () => {
    const budget = { retryRatio: 0.5, minRetriesPerSecond: 0 };
    const down = throwError(() => failing('server'));
    const [main, spare] = [scripted('main', [after(300, down)]), scripted('spare', [says('a')])];
    const { shown, events, ended } = play({
      provider: main,
      fallbackProvider: spare,
      hedge: { ...race, budget },
    });
    expect([shown, ended]).toStrictEqual(['a', 300]);
    expect(events).toStrictEqual(['hedge_refused', 'hedge_refused']);
  });

  test('spends from the budget that the retries of all providers share, and a call pays for it once', () => {
    const budget = new RetryBudget({
      retryRatio: 0.5,
      minRetriesPerSecond: 0,
      scheduler: new ManualScheduler(),
    });
    const calls = [1, 2, 3].map(() =>
      play({
        provider: scripted('main', [after(300, says('a'))]),
        fallbackProvider: scripted('spare', [after(300, says('b'))]),
        retry: { budget },
        hedge: race,
      }),
    );
    expect(calls.flatMap(({ events }) => events)).toStrictEqual([
      'hedge_refused',
      'hedge_started',
      'hedge_refused',
    ]);
  });

  test('a conversation that is too long is not passed to who holds no more', () => {
    const main = scripted('main', [failing('context-length')], { contextWindow: 100 });
    const small = scripted('small', [says('b')], { contextWindow: 50 });
    const large = scripted('large', [says('c')], { contextWindow: 200 });
    const { shown } = play({
      provider: main,
      fallbackProviders: [small, large],
      hedge: { ...race, delay: 5_000 },
    });
    expect([shown, small.asked.length]).toStrictEqual(['c', 0]);
  });

  test('a silent provider whose timeout has passed leaves the word to who is in the race', () => {
    const main = scripted('main', [NEVER]);
    const spare = scripted('spare', [after(200, says('a'))]);
    const { ended, ledger } = play({
      provider: main,
      fallbackProvider: spare,
      hedge: race,
      timeout: { first: 150 },
      retry: { maxRetries: 3, backoff: fixedBackoff(0) },
    });
    expect(main.asked.length).toBe(1);
    // The spare provider is as silent; but nobody else is left, so it is asked again.
    expect(ledger.length).toBeGreaterThan(2);
    expect(ended).toBeGreaterThan(250);
  });

  test('chat() says who really answered, after how many attempts', async () => {
    const [main, spare] = [scripted('main', [NEVER]), scripted('spare', [after(2, says('a'))])];
    const provider = resilient({ provider: main, fallbackProvider: spare, hedge: { ...race, delay: 2 } });
    const response: ChatResponse = await provider.chat(HELLO);
    expect([response.text, response.provider, response.attempts]).toStrictEqual(['a', 'spare', 2]);
    expect(response.ledger.map(({ lostTo }) => lostTo)).toStrictEqual([2, undefined]);
  });
});

test.each<[unknown, string]>([
  [{ race: 'providers' }, 'option "hedge.race" needs a "fallbackProvider" to race with, got "providers"'],
  [{ race: 'horses' }, 'option "hedge.race" must be "attempts" or "providers", got "horses"'],
  [{ maxHedges: 0 }, 'option "hedge.maxHedges" must be a whole number of at least 1, got 0'],
  [{ commitOn: () => true }, 'unknown option "hedge.commitOn"'],
  [-5, 'option "hedge" must be a duration in milliseconds, and not negative'],
])('hedge: %j is refused', (hedge, message) => {
  expect(() => resilient({ provider: scripted('main', []), hedge: hedge as number })).toThrow(message);
});
