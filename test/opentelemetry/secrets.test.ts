import { expect, test } from 'vitest';
import { ResilientProvider } from '../../src/chat/index.ts';
import { openAICompatible } from '../../src/providers/openai-compatible/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  cutAfter,
  errorAfter,
  httpStatus,
  malformedAfter,
  ok,
  rateLimited,
  startFaultServer,
  unauthorized,
} from '../support/fault-server.ts';
import { laboratory } from './surroundings.ts';

const KEY = 'sk-the-key-9f8e7d';
const HEADER = 'the-header-a1b2c3';
const PROMPT = 'the-prompt-d4e5f6';
const ANSWER = 'the-answer-0a9b8c, said in a few words';
const ECHO = { message: `${KEY} said ${PROMPT}`, type: PROMPT, code: KEY, param: HEADER };

test('no prompt, no answer and no key is in a span or a metric, whatever a provider repeats of them', async () => {
  const faults = [
    unauthorized(ECHO),
    rateLimited({ ...ECHO, headers: { 'x-request-id': KEY } }),
    httpStatus(500, { body: { [KEY]: PROMPT } }),
    httpStatus(400, { body: PROMPT }),
    errorAfter(2, ECHO),
    malformedAfter(2, { data: PROMPT }),
    cutAfter(3),
    ok(),
  ];
  await using wall = await startFaultServer({ answer: ANSWER, script: faults });
  const { events, spans, finished, measured } = laboratory();
  const openAI = (name: string) =>
    openAICompatible({
      name,
      baseURL: `${wall.url}/v1`,
      model: 'gpt-4o-mini',
      apiKey: KEY,
      headers: { 'x-secret': HEADER },
      events,
    });
  const names = faults.map((_, index) => `provider-${index}`);
  const [provider, ...fallbackProviders] = names.map(openAI);
  if (provider === undefined) throw new Error('there is no provider');
  const assistant = new ResilientProvider({
    name: 'assistant',
    provider,
    fallbackProviders,
    fallbackOn: { invalid: true },
    recovery: 'restart',
    retry: { maxRetries: 1, retryIf: () => false, backoff: fixedBackoff(0) },
    events,
  });
  const { text } = await assistant.chat([{ role: 'user', content: PROMPT }]);
  expect(text).toBe(ANSWER);

  const attempts = spans().filter(({ name }) => name.startsWith('attempt '));
  expect(attempts.map(({ attributes }) => attributes['error.type'])).toStrictEqual([
    'auth',
    'rate-limit',
    'server',
    'invalid',
    'server',
    'malformed',
    'transport',
    undefined,
  ]);
  expect(attempts).toHaveLength(wall.attempts.length);
  const told = [
    ...finished().map(({ name, attributes, status, events, links }) =>
      JSON.stringify({ name, attributes, status, events, links }),
    ),
    ...(await measured()),
  ].join('\n');
  expect(told).toContain('gpt-4o-mini');
  for (const secret of [KEY, HEADER, PROMPT, 'the-answer']) expect(told).not.toContain(secret);
});
