import { concat, delay, NEVER, Observable, of, Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect, test } from 'vitest';
import { type AttemptReport, type CallPhase, type ChatChunk, staticAnswer } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { ResilienceEventSchema } from '../../src/core/events.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  AT_ONCE,
  breaksAfter,
  FINISH,
  failing,
  HELLO,
  resilient,
  says,
  scripted,
  words,
} from './scripted.ts';

const virtually = (body: (scheduler: TestScheduler) => void): void => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
  scheduler.run(() => body(scheduler));
};
/** An attempt whose chunks come one after the other, each after its time in milliseconds. */
const timed = (...chunks: [after: number, ChatChunk][]): Observable<ChatChunk> =>
  concat(...chunks.map(([after, chunk]) => of(chunk).pipe(delay(after))));
const USAGE: ChatChunk = { type: 'usage', usage: { inputTokens: 3, outputTokens: 20, totalTokens: 23 } };
const NAMED: ChatChunk = { type: 'finish', reason: 'length', model: 'm-1-mini' };

test('the ledger says of every attempt who, how far, how long, how much, and why it failed', async () => {
  const down = failing('overloaded');
  const events = new EventBus();
  let told: readonly AttemptReport[] = [];
  const heard: unknown[] = [];
  const durations: number[] = [];
  events.on('stream_ended').subscribe(({ data }) => durations.push(data.duration));
  events.on('attempt_ended').subscribe((event) => {
    heard.push(event.data);
    expect(ResilienceEventSchema.parse(JSON.parse(JSON.stringify(event)))).toMatchObject({
      type: 'attempt_ended',
    });
  });
  const main = scripted('main', [
    timed([10, { type: 'text', text: '12345678' }]).pipe((chunks) => concat(chunks, breaksAfter([], down))),
    timed([5, { type: 'text', text: 'a' }], [400, USAGE], [100, NAMED]),
  ]);
  const provider = resilient({
    provider: main,
    retry: { maxRetries: 1, backoff: fixedBackoff(30) },
    recovery: 'restart',
    events,
  });
  virtually(() => {
    provider.stream({ messages: HELLO, model: 'm-1' }).subscribe();
  });
  const common = { provider: 'main', outcome: 'failed', kind: 'overloaded' };
  const first = {
    ...common,
    model: undefined,
    requestedModel: 'm-1',
    finishReason: undefined,
    lostTo: undefined,
    phase: 'content',
    error: down,
    delay: 0,
    duration: 10,
    usage: { inputTokens: 2, outputTokens: 2, totalTokens: 4, estimated: true },
    timeToFirstToken: 10,
    tokensPerSecond: undefined,
  };
  const second = {
    provider: 'main',
    outcome: 'completed',
    kind: undefined,
    model: 'm-1-mini',
    requestedModel: 'm-1',
    finishReason: 'length',
    lostTo: undefined,
    phase: 'ended',
    error: undefined,
    delay: 30,
    duration: 505,
    usage: { inputTokens: 3, outputTokens: 20, totalTokens: 23 },
    timeToFirstToken: 5,
    tokensPerSecond: 40,
  };
  const { kind: _, ...firstData } = { ...first, attempt: 1 };
  const { kind: __, ...secondData } = { ...second, attempt: 2 };
  expect(heard).toStrictEqual([
    { ...firstData, error: { name: 'ProviderError', message: 'overloaded', kind: 'overloaded' } },
    secondData,
  ]);
  expect(durations).toStrictEqual([10 + 30 + 505]);
  expect(provider.stats.providers).toStrictEqual({
    main: {
      attempts: 2,
      completed: 1,
      failed: 1,
      cancelled: 0,
      lost: 0,
      errors: { overloaded: 1 },
      inputTokens: 5,
      outputTokens: 22,
      uncounted: 1,
    },
  });
  const again = scripted('main', [breaksAfter(words('12345678'), down), says('a')]);
  ({ ledger: told } = await resilient({ provider: again, retry: { maxRetries: 1, backoff: AT_ONCE } }).chat(
    HELLO,
  ));
  expect(told.map(({ error, usage }) => [error, usage])).toStrictEqual([
    [down, { inputTokens: 2, outputTokens: 2, totalTokens: 4, estimated: true }],
    [undefined, { inputTokens: 2, outputTokens: 1, totalTokens: 3, estimated: true }],
  ]);
});

test('the model that was asked is the one of the request, else each provider’s own', async () => {
  const main = { ...scripted('main', [failing('server')]), model: 'large' };
  const answer = concat(of(...words('a')), of(NAMED));
  const spare = { ...scripted('spare', [answer]), model: 'small' };
  const events = new EventBus();
  const started: unknown[] = [];
  const ended: unknown[] = [];
  events.on('stream_started').subscribe(({ data }) => started.push(data));
  events.on('stream_ended').subscribe(({ data }) => ended.push([data.requestedModel, data.model]));
  const provider = resilient({ provider: main, fallbackProvider: spare, events });
  const asked = async (model?: string): Promise<unknown> =>
    (await provider.chat({ messages: HELLO, ...(model !== undefined && { model }) })).ledger.map(
      ({ requestedModel }) => requestedModel,
    );
  expect(await asked()).toStrictEqual(['large', 'small']);
  expect(await asked('other')).toStrictEqual(['other', 'other']);
  expect(started).toStrictEqual([
    { provider: 'main', model: 'large' },
    { provider: 'main', model: 'other' },
  ]);
  expect(ended).toStrictEqual([
    ['small', 'm-1-mini'],
    ['other', 'm-1-mini'],
  ]);
  expect(provider.model).toBe('large');
});

test('what nobody has counted, and of which nothing was said, is unknown and not 0', async () => {
  const { ledger } = await resilient({ provider: scripted('main', [says()]) }).chat(HELLO);
  expect(ledger).toMatchObject([
    { usage: undefined, timeToFirstToken: undefined, tokensPerSecond: undefined },
  ]);
});

test('an attempt that its caller gave up is cancelled, and nobody’s failure', () => {
  const provider = resilient({ provider: scripted('main', [concat(of(...words('a')), NEVER)]) });
  provider.stream(HELLO).subscribe().unsubscribe();
  expect(provider.stats.providers).toMatchObject({
    main: { attempts: 1, cancelled: 1, failed: 0, errors: {} },
  });
});

test('the ledger of a call that failed is in its error', () => {
  let error: unknown;
  resilient({ provider: scripted('main', [breaksAfter(words('a'))]) })
    .stream(HELLO)
    .subscribe({ error: (thrown: unknown) => (error = thrown) });
  expect(error).toMatchObject({ ledger: [{ provider: 'main', outcome: 'failed', kind: 'transport' }] });
});

test('a call passes through its phases, and says so', () => {
  const phases: CallPhase[] = [];
  virtually(() => {
    const main = scripted('main', [
      (_, { headersReceived }) =>
        new Observable((subscriber) => {
          timer(2).subscribe(() => headersReceived?.());
          timer(4).subscribe(() => subscriber.error(failing('server')));
        }),
      failing('quota'),
    ]);
    resilient({
      provider: main,
      fallbackProvider: staticAnswer('a', 'spare'),
      retry: { maxRetries: 1, backoff: fixedBackoff(1) },
    })
      .stream(HELLO, { onPhase: (phase) => phases.push(phase) })
      .subscribe();
  });
  expect(phases.map(({ phase, provider, attempt }) => `${attempt} ${provider} ${phase}`)).toStrictEqual([
    '0 main queued',
    '1 main connecting',
    '1 main preamble',
    '1 main queued',
    '2 main connecting',
    '2 main queued',
    '3 spare connecting',
    '3 spare preamble',
    '3 spare content',
    '3 spare ended',
  ]);
});

test('a role, a ping or the name of a tool is preamble; a listener that throws harms nobody', () => {
  const phases: string[] = [];
  const main = scripted('main', [
    of<ChatChunk[]>(
      { type: 'text', text: '' },
      { type: 'tool-call', index: 0, name: 'f', arguments: '' },
      FINISH,
    ),
  ]);
  let completed = false;
  resilient({ provider: main })
    .stream(HELLO, {
      onPhase({ phase }) {
        phases.push(phase);
        throw new Error('mine');
      },
    })
    .subscribe({ complete: () => (completed = true) });
  expect([phases, completed]).toStrictEqual([['queued', 'connecting', 'preamble', 'ended'], true]);
});

test.each([
  ['failed', (source: Subject<ChatChunk>) => source.error(failing('server'))],
  ['completed', (source: Subject<ChatChunk>) => source.next(FINISH)],
])(
  'a call that is cancelled when it is heard that its attempt has %s says nothing after it',
  (outcome, end) => {
    const events = new EventBus();
    const source = new Subject<ChatChunk>();
    const told: string[] = [];
    const call = resilient({ provider: scripted('main', [source]), events })
      .stream(HELLO)
      .subscribe({
        next: ({ type }) => told.push(type),
        error: () => told.push('error'),
        complete: () => told.push('complete'),
      });
    const outcomes: string[] = [];
    events.on('attempt_ended').subscribe(({ data }) => {
      outcomes.push(`attempt ${data.outcome}`);
      call.unsubscribe();
    });
    events.on('stream_ended').subscribe(({ data }) => outcomes.push(`stream ${data.outcome}`));
    end(source);
    expect(outcomes).toStrictEqual([`attempt ${outcome}`, 'stream cancelled']);
    expect(told).toStrictEqual(outcome === 'completed' ? ['finish'] : []);
  },
);

test('a call that is cancelled has ended, also when its provider throws instead of stopping', () => {
  const events = new EventBus();
  const outcomes: string[] = [];
  events.on('stream_ended').subscribe(({ data }) => outcomes.push(data.outcome));
  const stubborn = new Observable<ChatChunk>(() => () => {
    throw new Error('no');
  });
  const provider = resilient({ provider: scripted('main', [stubborn]), events });
  const call = provider.stream(HELLO).subscribe();
  expect(() => call.unsubscribe()).toThrow('no');
  expect(outcomes).toStrictEqual(['cancelled']);
  expect(provider.stats).toMatchObject({ calls: 1, active: 0, cancelled: 1 });
});
