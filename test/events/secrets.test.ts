/** What was asked, answered and sent to be let in stays between the two who speak: no event repeats it. */
import { throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ChatProvider, ResilientProvider, staticAnswer } from '../../src/chat/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { openAICompatible } from '../../src/providers/openai-compatible/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { ADAPTERS } from '../matrix/adapters.ts';
import {
  type AttemptRequest,
  closeAtOnce,
  combine,
  connectionClose,
  cutAfter,
  endAfter,
  errorAfter,
  type Fault,
  httpStatus,
  malformedAfter,
  notAStream,
  ok,
  reset,
  startFaultServer,
  withoutDone,
} from '../support/fault-server.ts';

/** Where a secret may stand. All begin alike, so that half of one is found as well. */
const KEY = 'sk-canary-in-the-key';
const HEADER = 'canary-in-a-header';
const PROMPT = 'canary-in-the-prompt';
const ANSWER = 'canary-in-the-answer ';
const SECRET = /canary/i;

const told = { apiKey: KEY, headers: { 'x-secret': HEADER } };
const messages = [
  { role: 'system', content: PROMPT },
  { role: 'user', content: PROMPT },
] as const;

/** A gossip: it tells whoever asks all it knows. */
const gossip = ({ body, headers }: AttemptRequest): string =>
  `${ANSWER} ${String(headers.authorization ?? headers['x-api-key'])} ${JSON.stringify({ body, headers })}`;

const KINDS = [
  'rate-limit',
  'quota',
  'overloaded',
  'server',
  'auth',
  'invalid',
  'context-length',
  'content-filter',
] as const;
const SHAPES = ['event', 'openrouter', 'vllm', 'flat', 'failed', 'status'] as const;
const GARBLED = [
  ANSWER,
  `{"${PROMPT}`,
  `"${ANSWER}"`,
  `[{"${ANSWER}": 1}]`,
  `{"choices":[{"delta":{"content":{"a":"${ANSWER}"}}}]}`,
  `{"type":"response.output_text.delta","delta":{"a":"${ANSWER}"}}`,
  `{"type":"content_block_delta","delta":{"type":"text_delta","text":["${ANSWER}"]}}`,
  `{"message":{"content":["${ANSWER}"]}}`,
  `{"error":"${ANSWER}"}`,
  `{"error":{"message":"${ANSWER}","code":"${ANSWER}","type":"${ANSWER}"}}`,
];

const FAULTS: readonly ((request: AttemptRequest) => Fault)[] = [
  ...[400, 401, 404, 413, 429, 500, 529].map(
    (status) => (request: AttemptRequest) => httpStatus(status, { message: gossip(request) }),
  ),
  ...[200, 400, 502].map(
    (status) => (request: AttemptRequest) =>
      httpStatus(status, { body: `<title>${gossip(request)}</title>`, contentType: 'text/html' }),
  ),
  (request) => httpStatus(200, { body: gossip(request) }),
  (request) => httpStatus(400, { body: { error: gossip(request), detail: gossip(request) } }),
  ...KINDS.map((kind, index) => (request: AttemptRequest) => {
    const error = { kind, message: gossip(request), code: ANSWER, param: PROMPT };
    return errorAfter(index % 2 === 0 ? 'headers' : index, error);
  }),
  ...SHAPES.map((shape) => (request: AttemptRequest) => errorAfter(1, { shape, message: gossip(request) })),
  ...GARBLED.map((data, index) => () => malformedAfter(index % 3, { data })),
  () => malformedAfter(1),
  () => notAStream(),
  () => cutAfter(2),
  () => combine(connectionClose(), cutAfter(2)),
  () => reset(),
  () => closeAtOnce(),
  () => endAfter(2),
  () => withoutDone(),
  (request) =>
    combine(ok(), {
      name: 'gossip in the headers',
      headers: { 'x-request-id': 'canary', 'x-echo': encodeURIComponent(gossip(request)) },
    }),
];

/** Every event of one call, whatever becomes of it. */
async function eventsOf(
  provider: ChatProvider,
  errorMessages: 'own' | 'all' = 'own',
): Promise<ResilienceEvent[]> {
  const events = new EventBus({ errorMessages });
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  const assistant = new ResilientProvider({
    name: 'assistant',
    provider,
    retry: { maxRetries: 1, backoff: fixedBackoff(0), maxDelay: 10 },
    recovery: 'continue',
    events,
  });
  await new Promise<void>((resolve) => {
    assistant.stream(messages).subscribe({ error: () => resolve(), complete: resolve });
  });
  return heard;
}

describe('no event repeats a secret', () => {
  test.each(ADAPTERS)('of $adapter, whatever its provider says and does', async ({ at }) => {
    await using wall = await startFaultServer({
      answer: ANSWER.repeat(6),
      script: (_, request) => FAULTS[Number(request.path.split('/')[1])]?.(request) ?? ok(),
    });
    const stories = await Promise.all(
      FAULTS.map((_, index) => eventsOf(at(`${wall.url}/${index}`, 'first', told))),
    );
    expect(JSON.stringify(stories)).not.toMatch(SECRET);
    expect(stories.filter((story) => story.some(({ category }) => category !== 'lifecycle'))).toHaveLength(
      FAULTS.length,
    );
    // Who asks for the words gets them: so there was something to keep.
    const told429 = await eventsOf(at(`${wall.url}/5`, 'first', told), 'all');
    expect(JSON.stringify(told429)).toMatch(SECRET);
  });

  test('of frames that are skipped', async () => {
    await using wall = await startFaultServer({ script: malformedAfter(2, { data: ANSWER }) });
    const events = new EventBus();
    const heard: ResilienceEvent[] = [];
    events.subscribe((event) => heard.push(event));
    const provider = openAICompatible({ model: 'm', baseURL: `${wall.url}/v1`, malformed: 'skip', events });
    await new Promise<void>((complete) => {
      new ResilientProvider({ provider, events }).stream(messages, { callId: 'c' }).subscribe({ complete });
    });
    const skipped = heard.find(({ type }) => type === 'frame_skipped');
    expect(skipped).toMatchObject({ call: 'c', attempt: 1 });
    expect(JSON.stringify(heard)).not.toMatch(SECRET);
  });

  test('of a connection that cannot be made, to a URL that holds one', async () => {
    const provider = openAICompatible({
      ...told,
      name: 'p',
      model: 'm',
      baseURL: `http://127.0.0.1:1/v1?key=${KEY}`,
    });
    const heard = await eventsOf(provider);
    expect(heard.map(({ type }) => type)).toContain('retry_exhausted');
    expect(JSON.stringify(heard)).not.toMatch(SECRET);
  });

  test.each<[string, () => ChatProvider['stream']]>([
    [
      'throws',
      () => () => {
        throw new Error(PROMPT, { cause: new TypeError(ANSWER) });
      },
    ],
    ['fails', () => () => throwError(() => Object.assign(new Error(PROMPT), { code: 'ECONNRESET' }))],
  ])('of a provider of one’s own that %s', async (_, stream) => {
    const heard = await eventsOf({ name: 'own', stream: stream() });
    expect(heard.map(({ type }) => type)).toContain('attempt_ended');
    expect(JSON.stringify(heard)).not.toMatch(SECRET);
  });

  test('of a race in which the first was not even asked', async () => {
    const events = new EventBus();
    const heard: ResilienceEvent[] = [];
    events.subscribe((event) => heard.push(event));
    const circuitBreaker = new CircuitBreaker({ events });
    circuitBreaker.forceOpen();
    const assistant = new ResilientProvider({
      provider: { name: 'one', stream: () => throwError(() => new Error(PROMPT)) },
      fallbackProviders: [
        { name: 'two', stream: () => throwError(() => new Error(PROMPT)) },
        staticAnswer('sorry'),
      ],
      circuitBreaker,
      hedge: { delay: 10, race: 'providers' },
      events,
    });
    expect(await assistant.chat(messages)).toMatchObject({ text: 'sorry' });
    expect(heard.map(({ type }) => type)).toContain('provider_switched');
    expect(JSON.stringify(heard)).not.toMatch(SECRET);
  });
});
