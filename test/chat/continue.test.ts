import fc from 'fast-check';
import { concat, defer, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { ChatChunk, ChatRequest, StreamInterruptedError } from '../../src/chat/index.ts';
import { isRecognizable } from '../../src/chat/seam.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  ANSWER,
  AT_ONCE,
  breaksAfter,
  FINISH,
  failing,
  HELLO,
  read,
  resilient,
  says,
  scripted,
  words,
} from './scripted.ts';

const once = { maxRetries: 1, backoff: AT_ONCE };
const twice = { maxRetries: 2, backoff: AT_ONCE };
const half = breaksAfter(words('The quick ', 'brown '));
const tool: ChatChunk = { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '{"a":' };

describe('the rest of the answer is asked for', () => {
  test('with what was said as the beginning of its message, where the model can go on with it', () => {
    const main = scripted('main', [half, says('fox jumps ', 'over the lazy dog.')], { prefill: true });
    const { chunks, shown, error } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect(error).toBeUndefined();
    expect(shown).toBe(ANSWER);
    expect(chunks).toStrictEqual([
      ...words('The quick ', 'brown '),
      { type: 'resume' },
      ...words('fox jumps ', 'over the lazy dog.'),
      FINISH,
    ]);
    expect(main.asked[1]?.request.messages).toStrictEqual([
      ...HELLO,
      { role: 'assistant', content: 'The quick brown' },
    ]);
  });

  test('with a word about what happened, where it cannot', () => {
    const main = scripted('main', [half, says(ANSWER)]);
    const { shown, marks } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect([shown, marks]).toStrictEqual([ANSWER, ['resume']]);
    expect(main.asked[1]?.request.messages).toStrictEqual([
      ...HELLO,
      { role: 'assistant', content: 'The quick brown' },
      {
        role: 'user',
        content:
          'Your previous response was interrupted and ended with "The quick brown". Continue from where you left off.',
      },
    ]);
  });

  test('behind the beginning that the caller had given', () => {
    const main = scripted('main', [half, says('fox')], { prefill: true });
    const begun = [...HELLO, { role: 'assistant', content: 'Look: ' }] as const;
    read(resilient({ provider: main, retry: once, recovery: 'continue' }).stream(begun));
    expect(main.asked[1]?.request.messages).toStrictEqual([
      ...HELLO,
      { role: 'assistant', content: 'Look: The quick brown' },
    ]);
  });

  test('and the rest of the request stays as it was', () => {
    const main = scripted('main', [half, says('fox')]);
    const request: ChatRequest = {
      messages: HELLO,
      temperature: 0,
      model: 'm',
      tools: [{ name: 'f', parameters: {} }],
      extra: { response_format: { type: 'text' } },
    };
    read(resilient({ provider: main, retry: once, recovery: 'continue' }).stream(request));
    expect(main.asked[1]?.request).toStrictEqual({ ...request, messages: expect.any(Array) });
    expect(main.asked[1]?.request.messages.length).toBe(3);
  });

  test('again when the rest breaks as well, and every attempt counts once', () => {
    const main = scripted('main', [half, breaksAfter(words('fox jumps ')), says('over the lazy dog.')], {
      prefill: true,
    });
    const provider = resilient({ provider: main, retry: twice, recovery: 'continue' });
    const { shown, marks } = read(provider.stream(HELLO));
    expect([shown, marks]).toStrictEqual([ANSWER, ['resume', 'resume']]);
    expect(main.asked[2]?.request.messages.at(-1)?.content).toBe('The quick brown fox jumps');
    expect(provider.stats).toMatchObject({ attempts: 3, continued: 2, retracted: 0 });
  });

  test('until the retries are used up, then of the next provider: all of them stay available after content', () => {
    const main = scripted('main', [half, breaksAfter(words('fox '))], { prefill: true });
    const spare = scripted('spare', [says('jumps over the lazy dog.')]);
    const { shown, chunks } = read(
      resilient({ provider: main, fallbackProvider: spare, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect(shown).toBe(ANSWER);
    expect(chunks.slice(2)).toStrictEqual([
      { type: 'resume' },
      ...words('fox '),
      { type: 'resume' },
      { type: 'switch', from: 'main', to: 'spare' },
      ...words('jumps over the lazy dog.'),
      FINISH,
    ]);
  });

  test('and an attempt that fails before its first word changes nothing of what is shown', () => {
    const main = scripted('main', [half, failing('overloaded'), says('fox')], { prefill: true });
    const { marks, shown } = read(
      resilient({ provider: main, retry: twice, recovery: 'continue' }).stream(HELLO),
    );
    expect([shown, marks]).toStrictEqual(['The quick brown fox', ['resume']]);
  });

  test('and when there is no rest, the answer is whole', () => {
    const main = scripted('main', [breaksAfter(words(ANSWER)), of(FINISH)], { prefill: true });
    const { chunks, error } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect(error).toBeUndefined();
    expect(chunks).toStrictEqual([...words(ANSWER), { type: 'resume' }, FINISH]);
  });

  test('and what is not repaired ends with an error that has all of it', () => {
    const main = scripted('main', [half, breaksAfter(words('fox ')), failing('server')], { prefill: true });
    const { error } = read(resilient({ provider: main, retry: twice, recovery: 'continue' }).stream(HELLO));
    expect(error).toMatchObject({
      name: 'StreamInterruptedError',
      text: 'The quick brown fox ',
      kind: 'server',
    });
    expect(error).toHaveProperty('ledger.length', 3);
  });
});

const LONG = `${ANSWER} Pack my box with five dozen liquor jugs!\n\nHow vexingly quick daft zebras jump: 3.14159, 2.71828.`;

test('however often and wherever it breaks, whatever the model repeats: the text is exact', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  /** How far an attempt goes, how much it repeats of what was said, the size of its pieces, and its white space. */
  const attempt = fc.tuple(part, part, fc.integer({ min: 1, max: 9 }), fc.constantFrom(undefined, ' ', '\n'));
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 6 }), fc.boolean(), (attempts, prefill) => {
      const model =
        ([length, repeats, size, space]: (typeof attempts)[number], breaks: boolean) =>
        ({ messages }: ChatRequest) => {
          const said = messages.find(({ role }) => role === 'assistant')?.content ?? '';
          const from = Math.floor(said.length * (1 - repeats));
          const repeated = isRecognizable(said.slice(from)) ? said.slice(from) : '';
          const end = breaks ? said.length + Math.floor(length * 30) : LONG.length;
          const shown = space === undefined ? repeated : repeated.replaceAll(/\s+/g, space);
          const chunks = words(
            ...((shown + LONG.slice(said.length, end)).match(new RegExp(`.{1,${size}}`, 'gs')) ?? []),
          );
          return breaks
            ? breaksAfter(chunks)
            : says(...chunks.map((chunk) => (chunk as { text: string }).text));
        };
      const main = scripted(
        'main',
        [...attempts.map((script) => model(script, true)), model([1, 0.7, 3, '\n'], false)],
        { prefill },
      );
      const provider = resilient({
        provider: main,
        retry: { maxRetries: attempts.length, backoff: AT_ONCE },
        circuitBreaker: { failureThreshold: 100 },
        recovery: 'continue',
      });
      const { shown, error } = read(provider.stream(HELLO));
      expect(error).toBeUndefined();
      expect(shown).toBe(LONG);
    }),
    { numRuns: 500 },
  );
});

describe('half a character', () => {
  const [high, low] = ['\ud83d', '\udc15'];

  test('is never delivered: it waits for its other half', () => {
    const main = scripted('main', [says('a', `b${high}`, `${low}c`, high, low)]);
    const { chunks } = read(resilient({ provider: main }).stream(HELLO));
    expect(chunks).toStrictEqual([...words('a', 'b', '🐕c', '🐕'), FINISH]);
  });

  test('is no part of what is gone on with', () => {
    const main = scripted('main', [breaksAfter(words('The lazy 🐕 and ', high)), says('🐈.')], {
      prefill: true,
    });
    const { chunks, shown } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect(shown).toBe('The lazy 🐕 and 🐈.');
    expect(chunks).toStrictEqual([...words('The lazy 🐕 and '), { type: 'resume' }, ...words('🐈.'), FINISH]);
  });

  test('at the end of a repetition is no seam', () => {
    const whole = 'The quick brown 🐕 and 🐈.';
    const main = scripted('main', [breaksAfter(words('The quick brown 🐕')), says(...Array.from(whole))], {
      prefill: true,
    });
    // One unit of UTF-16 after the other.
    const torn = scripted('main', [breaksAfter(words('The quick brown 🐕')), says(...whole.split(''))]);
    for (const provider of [main, torn])
      expect(read(resilient({ provider, retry: once, recovery: 'continue' }).stream(HELLO)).shown).toBe(
        whole,
      );
  });

  test('whose other half never comes is delivered as it came', () => {
    const thought: ChatChunk = { type: 'reasoning', text: `Hm${high}` };
    const main = scripted('main', [of(thought, ...words(`a${high}`, 'b', high), FINISH)]);
    const { chunks } = read(resilient({ provider: main }).stream(HELLO));
    expect(chunks).toStrictEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'reasoning', text: high },
      ...words('a', `${high}b`, high),
      FINISH,
    ]);
  });

  test('keeps a stream from being taken up behind it', () => {
    const main = scripted(
      'main',
      [
        (_, { checkpoint }) =>
          concat(
            of(...words('haha', high)),
            throwError(() => {
              checkpoint?.('r1:2');
              return failing('transport');
            }),
          ),
        says('haha🐕'),
      ],
      { resume: true },
    );
    const { shown } = read(resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO));
    expect(main.asked[1]?.context.resume).toBeUndefined();
    expect(shown).toBe('haha🐕');
  });
});

describe('an answer begins anew', () => {
  const json = (extra: Record<string, unknown>): ChatRequest => ({ messages: HELLO, extra });
  test.each<[string, ChatChunk[], ChatRequest]>([
    ['in the middle of a tool call', [...words('The quick brown fox'), tool], { messages: HELLO }],
    [
      'behind a thought',
      [{ type: 'reasoning', text: 'Hm.' }, ...words('The quick brown fox')],
      { messages: HELLO },
    ],
    ['that is too short to tell a repetition', words('Yes, '), { messages: HELLO }],
    [
      'in a JSON document (OpenAI)',
      words('{"animals": ["fox",'),
      json({ response_format: { type: 'json_object' } }),
    ],
    ['in a JSON document (Ollama)', words('{"animals": ["fox",'), json({ format: 'json' })],
    [
      'in a JSON document (Responses)',
      words('{"animals": ["fox",'),
      json({ text: { format: { type: 'json_schema' } } }),
    ],
    [
      'in a JSON document (Anthropic)',
      words('{"animals": ["fox",'),
      json({ output_config: { format: { type: 'json_schema' } } }),
    ],
  ])('when it breaks %s', (_, chunks, request) => {
    const main = scripted('main', [breaksAfter(chunks), says('whole')], { prefill: true });
    const { shown, marks } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(request),
    );
    expect([shown, marks]).toStrictEqual(['whole', ['retract']]);
    expect(main.asked[1]?.request).toStrictEqual(request);
  });

  test.each(['invalid', 'context-length'] as const)(
    'when the request to go on is refused as %s, at once',
    async (kind) => {
      const refusal = failing(kind, 'This model does not support assistant message prefill.');
      const main = scripted('main', [half, refusal, says(ANSWER)], { prefill: true });
      const provider = resilient({ provider: main, retry: once, recovery: 'continue' });
      const { shown, marks } = read(provider.stream(HELLO));
      expect([shown, marks]).toStrictEqual([ANSWER, ['retract']]);
      expect(main.asked[2]?.request.messages).toStrictEqual(HELLO);
      // The refusal of a request that the caller did not make is nobody's failure, and costs no retry.
      expect(provider.circuitBreaker.stats.successCount).toBe(1);
      expect(provider.stats).toMatchObject({ attempts: 3, retracted: 1, continued: 0 });
    },
  );

  test('and a refusal does not hide why the answer broke, nor is it repeated', () => {
    const [first, second] = [failing('transport', 'the cable'), failing('overloaded', 'too many')];
    const main = scripted(
      'main',
      [breaksAfter(words('The quick brown '), first), failing('invalid'), second],
      { prefill: true },
    );
    const events = new EventBus();
    const provider = resilient({ provider: main, retry: twice, recovery: 'continue', events });
    const { error, shown } = read(provider.stream(HELLO));
    expect(shown).toBe('The quick brown ');
    expect(error).toMatchObject({
      name: 'StreamInterruptedError',
      kind: 'overloaded',
      text: 'The quick brown ',
    });
    const { errors, ledger, message, cause } = error as StreamInterruptedError;
    expect(errors.map((it) => (it as Error).message)).toStrictEqual([
      'the cable',
      'invalid',
      'too many',
      'too many',
    ]);
    expect(ledger.map((attempt) => attempt.error)).toStrictEqual(errors);
    expect(message).toContain('It began with: the cable');
    expect(cause).toMatchObject({ name: 'RetryExhaustedError', cause: second });
    expect(main.asked.map(({ request }) => request.messages.length)).toStrictEqual([1, 2, 1, 1]);
  });

  test('but what has begun to go on has not been refused', () => {
    const main = scripted('main', [half, breaksAfter(words('fox '), failing('invalid'))], { prefill: true });
    const provider = resilient({ provider: main, retry: twice, recovery: 'continue' });
    const { shown, error } = read(provider.stream(HELLO));
    expect([shown, main.asked.length]).toStrictEqual(['The quick brown fox ', 2]);
    expect(error).toMatchObject({ name: 'StreamInterruptedError', kind: 'invalid' });
  });

  test('and a request that is wrong by itself ends with that error', () => {
    const main = scripted('main', [half, failing('invalid'), failing('invalid')], { prefill: true });
    const { error } = read(resilient({ provider: main, retry: twice, recovery: 'continue' }).stream(HELLO));
    expect(error).toMatchObject({ kind: 'invalid' });
    expect(main.asked.length).toBe(3);
  });
});

describe("the provider's own stream is taken up", () => {
  const exact = { resume: true };

  test('where it was, whatever it holds, and nothing is trimmed', () => {
    const main = scripted(
      'main',
      [
        (_, { checkpoint }) => {
          checkpoint?.('r1:0');
          return concat(
            of<ChatChunk[]>({ type: 'reasoning', text: 'Hm.' }, ...words('haha'), tool),
            throwError(() => {
              checkpoint?.('r1:7');
              return failing('transport');
            }),
          );
        },
        of<ChatChunk[]>({ type: 'tool-call', index: 0, arguments: '1}' }, ...words('haha'), FINISH),
      ],
      exact,
    );
    const { chunks, marks } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect(marks).toStrictEqual(['resume']);
    expect(chunks.slice(3)).toStrictEqual([
      { type: 'resume' },
      { type: 'tool-call', index: 0, arguments: '1}' },
      ...words('haha'),
      FINISH,
    ]);
    expect(main.asked[1]?.context.resume).toBe('r1:7');
    expect(main.asked[1]?.request).toStrictEqual({ messages: HELLO });
  });

  test('but not from a place before what has been delivered: that would come twice', () => {
    const main = scripted(
      'main',
      [
        (_, { checkpoint }) =>
          concat(
            of(...words('The quick ')),
            defer(() => {
              checkpoint?.('r1:7');
              return breaksAfter(words('brown '));
            }),
          ),
        says('fox'),
      ],
      exact,
    );
    const { shown } = read(resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO));
    expect(shown).toBe('The quick brown fox');
    expect(main.asked[1]?.context.resume).toBeUndefined();
  });

  test('nor behind what is still held back at a seam', () => {
    const main = scripted(
      'main',
      [
        half,
        (_, { checkpoint }) =>
          concat(
            of<ChatChunk[]>({ type: 'reasoning', text: 'Hm.' }, ...words('The quick')),
            defer(() => {
              checkpoint?.('r2:7');
              return breaksAfter([]);
            }),
          ),
        says(ANSWER),
      ],
      exact,
    );
    const { shown } = read(resilient({ provider: main, retry: twice, recovery: 'continue' }).stream(HELLO));
    expect(shown).toBe(ANSWER);
    expect(main.asked[2]?.context.resume).toBeUndefined();
  });

  test('but never a stream of which nothing has been shown', () => {
    const main = scripted(
      'main',
      [
        breaksAfter(words('Yes, ')),
        (_, { checkpoint }) => {
          checkpoint?.('r2:0');
          return breaksAfter([]);
        },
        says('No.'),
      ],
      exact,
    );
    const { shown } = read(resilient({ provider: main, retry: twice, recovery: 'continue' }).stream(HELLO));
    expect(shown).toBe('No.');
    expect(main.asked.map(({ context }) => context.resume)).toStrictEqual([undefined, undefined, undefined]);
  });

  test('nor that of another provider', () => {
    const main = scripted(
      'main',
      [
        (_, { checkpoint }) => {
          return concat(
            of(...words('The quick brown ')),
            defer(() => {
              checkpoint?.('r1:7');
              return breaksAfter([]);
            }),
          );
        },
      ],
      exact,
    );
    const spare = scripted('spare', [says('fox')], exact);
    read(resilient({ provider: main, fallbackProvider: spare, recovery: 'continue' }).stream(HELLO));
    expect(spare.asked[0]?.context.resume).toBeUndefined();
    expect(spare.asked[0]?.request.messages.length).toBe(3);
  });

  test('and begins anew when it is gone', () => {
    const main = scripted(
      'main',
      [
        (_, { checkpoint }) => {
          return concat(
            of(...words('The quick brown ')),
            defer(() => {
              checkpoint?.('r1:7');
              return breaksAfter([]);
            }),
          );
        },
        failing('invalid', '404'),
        says(ANSWER),
      ],
      exact,
    );
    const { shown, marks } = read(
      resilient({ provider: main, retry: once, recovery: 'continue' }).stream(HELLO),
    );
    expect([shown, marks]).toStrictEqual([ANSWER, ['retract']]);
    expect(main.asked.map(({ context }) => context.resume)).toStrictEqual([undefined, 'r1:7', undefined]);
  });
});

describe('nesting', () => {
  test.each([
    ['goes on', 'fox jumps over the lazy dog.'],
    ['repeats it', ANSWER],
  ])(
    'what an inner provider takes back is its own part, not the one that it continued, and then %s',
    (_, rest) => {
      const inner = resilient({
        name: 'inner',
        provider: scripted('b', [breaksAfter(words('cat sleeps'))]),
        fallbackProvider: scripted('c', [says(rest)]),
        recovery: 'restart',
      });
      const outer = resilient({
        provider: scripted('a', [half]),
        fallbackProvider: inner,
        recovery: 'continue',
      });
      const { shown, marks, error } = read(outer.stream(HELLO));
      expect(error).toBeUndefined();
      expect(shown).toBe(ANSWER);
      expect(marks).toStrictEqual(['resume', 'switch', 'retract', 'switch']);
    },
  );
});

test('the bus hears how an answer goes on', () => {
  const events = new EventBus();
  const heard: unknown[] = [];
  events.on('stream_continued').subscribe(({ source, data }) => heard.push([source, data]));
  const main = scripted('main', [half, says('fox')], { prefill: true });
  read(
    resilient({ name: 'assistant', provider: main, retry: once, recovery: 'continue', events }).stream(HELLO),
  );
  expect(heard).toStrictEqual([
    [
      'assistant',
      {
        provider: 'main',
        by: 'prefill',
        characters: 16,
        error: { name: 'ProviderError', message: 'transport', kind: 'transport' },
      },
    ],
  ]);
});

test('chat() continues only when it is told to: by default it begins anew', async () => {
  const main = scripted('main', [half, says(ANSWER)], { prefill: true });
  expect((await resilient({ provider: main, retry: once }).chat(HELLO)).text).toBe(ANSWER);
  expect(main.asked[1]?.request.messages).toStrictEqual(HELLO);
  const again = scripted('main', [half, says('fox')], { prefill: true });
  const response = await resilient({ provider: again, retry: once, recovery: 'continue' }).chat(HELLO);
  expect(response.text).toBe('The quick brown fox');
});
