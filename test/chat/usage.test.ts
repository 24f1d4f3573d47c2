import { concat, lastValueFrom, NEVER, type Observable, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ChatChunk, type ChatResponse, type ChatUsage, toResponse } from '../../src/chat/index.ts';
import { estimateRequest } from '../../src/chat/tokens.ts';
import { sumOfUsage } from '../../src/chat/usage.ts';
import {
  AT_ONCE,
  breaksAfter,
  FINISH,
  failing,
  HELLO,
  read,
  resilient,
  type Scripted,
  says,
  scripted,
  words,
} from './scripted.ts';

const thrice = { maxRetries: 3, backoff: AT_ONCE };
const used = (inputTokens: number, outputTokens: number): ChatUsage => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});
const estimated = (inputTokens: number, outputTokens: number): ChatUsage => ({
  ...used(inputTokens, outputTokens),
  estimated: true,
});
const counted = (usage: ChatUsage, ...texts: string[]) =>
  concat(of(...words(...texts)), of<ChatChunk[]>({ type: 'usage', usage }, FINISH));
/** Twenty characters, five tokens; the question has five characters, two tokens. */
const half = breaksAfter(words('The quick brown fox '));

const answerOf = (main: Scripted, recovery?: 'restart' | 'continue'): Promise<ChatResponse> =>
  resilient({ provider: main, retry: thrice, recovery }).chat(HELLO);

describe('usage is what the answer has used', () => {
  test('of a continued answer: what all attempts used that wrote it, with their estimates', async () => {
    const main = scripted('main', [half, counted(used(9, 4), 'jumps.')], { prefill: true });
    const provider = resilient({ provider: main, retry: thrice, recovery: 'continue' });
    const { usage, totalUsage, text } = await provider.chat(HELLO);
    expect(text).toBe('The quick brown fox jumps.');
    expect(usage).toStrictEqual(estimated(2 + 9, 5 + 4));
    expect(totalUsage).toStrictEqual(usage);
    expect(provider.stats.providers).toMatchObject({ main: { inputTokens: 11, outputTokens: 9 } });
  });

  test('and the stream says the same, so its readers do', async () => {
    const main = scripted('main', [half, counted(used(9, 4), 'jumps.')], { prefill: true });
    const stream = resilient({ provider: main, retry: thrice, recovery: 'continue' }).stream(HELLO);
    const usage = estimated(2 + 9, 5 + 4);
    expect(read(stream).chunks).toContainEqual({ type: 'usage', usage });
    const again = scripted('main', [half, counted(used(9, 4), 'jumps.')], { prefill: true });
    const answer = resilient({ provider: again, retry: thrice, recovery: 'continue' }).stream(HELLO);
    expect(await lastValueFrom(answer.pipe(toResponse()))).toMatchObject({ usage });
  });

  test('of one that began anew: what was taken back is not in it, but in the total', async () => {
    const main = scripted('main', [half, counted(used(2, 7), 'The quick brown fox jumps.')]);
    const { usage, totalUsage } = await answerOf(main);
    expect(usage).toStrictEqual(used(2, 7));
    expect(totalUsage).toStrictEqual(estimated(2 + 2, 5 + 7));
  });

  test('of one that went on and then began anew: the last attempt alone', async () => {
    const main = scripted(
      'main',
      [half, breaksAfter(words('jumps ')), failing('invalid'), counted(used(2, 7), 'All of it.')],
      { prefill: true },
    );
    const { usage, totalUsage } = await answerOf(main, 'continue');
    expect(usage).toStrictEqual(used(2, 7));
    expect(totalUsage).toMatchObject({ outputTokens: 5 + 2 + 7, estimated: true });
  });

  test('what was said only once more is in the total alone', async () => {
    const repeats = breaksAfter(words('The quick brown '));
    const main = scripted('main', [half, repeats, counted(used(9, 4), 'jumps.')], { prefill: true });
    const { usage, totalUsage } = await answerOf(main, 'continue');
    expect(usage).toStrictEqual(estimated(2 + 9, 5 + 4));
    expect(totalUsage).toMatchObject({ outputTokens: 5 + 4 + 4, estimated: true });
  });

  test('nobody says what a provider does not say', async () => {
    const main = scripted('main', [half, says('jumps.')], { prefill: true });
    const { usage, totalUsage } = await answerOf(main, 'continue');
    expect(usage).toBeUndefined();
    expect(totalUsage).toMatchObject({ outputTokens: 5 + 2, estimated: true });
  });

  test('a ResilientProvider within says it of all that it has put together', async () => {
    const main = scripted('main', [half, counted(used(9, 4), 'jumps.')], { prefill: true });
    const inner = resilient({ name: 'inner', provider: main, retry: thrice, recovery: 'continue' });
    const { usage, ledger } = await resilient({ provider: inner }).chat(HELLO);
    expect(usage).toStrictEqual(estimated(2 + 9, 5 + 4));
    expect(ledger).toMatchObject([{ provider: 'inner', usage }]);
  });
});

describe('a response that is taken up again is one response', () => {
  const upTo =
    (token: string, ...texts: string[]) =>
    ({ checkpoint }: { checkpoint?: ((token: string) => void) | undefined }): Observable<ChatChunk> =>
      concat(
        of(...words(...texts)),
        throwError(() => {
          checkpoint?.(token);
          return failing('transport');
        }),
      );

  test('its provider counts all of it, and so nothing is estimated', async () => {
    const main = scripted(
      'main',
      [
        (_, context) => upTo('1', 'The quick brown fox ')(context),
        (_, context) => upTo('2', 'jumps ')(context),
        failing('overloaded'),
        counted(used(3, 8), 'over.'),
      ],
      { resume: true },
    );
    const provider = resilient({ provider: main, retry: thrice, recovery: 'continue' });
    const { text, usage, totalUsage, ledger } = await provider.chat(HELLO);
    expect(text).toBe('The quick brown fox jumps over.');
    expect(usage).toStrictEqual(used(3, 8));
    expect(totalUsage).toStrictEqual(used(3, 8));
    expect(provider.stats.providers).toMatchObject({ main: { inputTokens: 3, outputTokens: 8 } });
    expect(ledger.map((attempt) => attempt.usage)).toStrictEqual([
      estimated(2, 5),
      estimated(0, 2),
      undefined,
      used(3, 8),
    ]);
  });

  test('where it never counts, its parts add up', async () => {
    const main = scripted(
      'main',
      [(_, context) => upTo('1', 'The quick brown fox ')(context), says('jumps.')],
      { resume: true },
    );
    const provider = resilient({ provider: main, retry: thrice, recovery: 'continue' });
    expect((await provider.chat(HELLO)).totalUsage).toStrictEqual(estimated(2, 5 + 2));
    expect(provider.stats.providers).toMatchObject({
      main: { inputTokens: 2, outputTokens: 7, uncounted: 2 },
    });
  });
});

describe('the total', () => {
  test('an attempt that was not accepted has used nothing', async () => {
    const main = scripted('main', [failing('overloaded'), counted(used(2, 1), 'Yes.')]);
    expect((await answerOf(main)).totalUsage).toStrictEqual(used(2, 1));
  });

  test('of one that was, and said nothing, nobody knows: the total is marked', async () => {
    const main = scripted('main', [
      (_, { headersReceived }) => {
        headersReceived?.();
        return throwError(() => failing('overloaded'));
      },
      counted(used(2, 1), 'Yes.'),
    ]);
    expect((await answerOf(main)).totalUsage).toStrictEqual(estimated(2, 1));
  });

  test('unknown is not 0', async () => {
    expect((await answerOf(scripted('main', [of(FINISH)]))).totalUsage).toBeUndefined();
    expect(sumOfUsage([])).toBeUndefined();
    expect(sumOfUsage([undefined, undefined])).toBeUndefined();
    expect(sumOfUsage([{}])).toBeUndefined();
    expect(sumOfUsage([{ outputTokens: 0 }])).toStrictEqual({ outputTokens: 0 });
  });

  test('what one tells and another does not is a part of the truth, and marked', () => {
    const cached = { ...used(5, 1), cachedTokens: 4 };
    expect(sumOfUsage([cached, used(5, 1)])).toStrictEqual({ ...estimated(10, 2), cachedTokens: 4 });
    expect(sumOfUsage([cached, cached])).toStrictEqual({ ...used(10, 2), cachedTokens: 8 });
    expect(sumOfUsage([used(1, 1), undefined])).toStrictEqual(estimated(1, 1));
  });
});

test('a question is estimated with its tools and the calls in it', () => {
  const toolCalls = [{ id: 'c', name: 'f', arguments: '{}' }];
  const tools = [{ name: 'f', parameters: {} }];
  const length = 2 + JSON.stringify(toolCalls).length + 1 + JSON.stringify(tools).length;
  expect(
    estimateRequest({
      messages: [
        { role: 'user', content: 'ab' },
        { role: 'assistant', content: '', toolCalls },
        { role: 'tool', content: '1', toolCallId: 'c' },
      ],
      tools,
    }),
  ).toBe(Math.ceil(length / 4));
});

test('an attempt that its caller gave up has used what it had said', () => {
  const provider = resilient({ provider: scripted('main', [concat(of(...words('12345678')), NEVER)]) });
  provider.stream(HELLO).subscribe().unsubscribe();
  expect(provider.stats.providers).toMatchObject({ main: { outputTokens: 2, uncounted: 1 } });
});
