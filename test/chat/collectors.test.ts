import { EMPTY, firstValueFrom, lastValueFrom, Observable, type OperatorFunction, of, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ChatChunk, snapshots, text, toResponse } from '../../src/chat/index.ts';
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

const RETRACT: ChatChunk = { type: 'retract' };
const RESUME: ChatChunk = { type: 'resume' };
const call = (json: string): ChatChunk => ({
  type: 'tool-call',
  index: 0,
  id: 'c',
  name: 'f',
  arguments: json,
});

test('text() and snapshots() obey the marks', async () => {
  const stream = of(...words('A', 'B'), RETRACT, ...words('C'), RESUME, ...words('', 'D'), FINISH);
  expect(await lastValueFrom(stream.pipe(text()))).toBe('CD');
  expect(await lastValueFrom(stream.pipe(snapshots(), toArray()))).toStrictEqual(['A', 'AB', '', 'C', 'CD']);
});

test('every subscription collects an answer of its own', async () => {
  const response = says('A').pipe(toResponse());
  expect([(await lastValueFrom(response)).text, (await lastValueFrom(response)).text]).toStrictEqual([
    'A',
    'A',
  ]);
  const shown = says('A').pipe(snapshots());
  expect([await lastValueFrom(shown), await lastValueFrom(shown)]).toStrictEqual(['A', 'A']);
});

test('toResponse() has what stands at the end, and who said it', async () => {
  const stream = of<ChatChunk[]>(
    { type: 'reasoning', text: 'Hm' },
    ...words('half'),
    call('{"b":'),
    { type: 'usage', usage: { outputTokens: 1 } },
    RETRACT,
    { type: 'switch', from: 'main', to: 'spare' },
    ...words('whole'),
    call('{"a":'),
    { type: 'tool-call', index: 0, arguments: '1}' },
    { type: 'usage', usage: { outputTokens: 2 } },
    { type: 'finish', reason: 'tool-calls', model: 'spare-1', requestId: 'r1' },
  );
  expect(await lastValueFrom(stream.pipe(toResponse()))).toStrictEqual({
    text: 'whole',
    reasoning: '',
    toolCalls: [{ id: 'c', name: 'f', arguments: '{"a":1}' }],
    usage: { outputTokens: 2 },
    finishReason: 'tool-calls',
    provider: 'spare',
    model: 'spare-1',
    requestId: 'r1',
  });
});

describe.each([
  ['text()', text],
  ['snapshots()', snapshots],
  ['toResponse()', toResponse],
])('%s', (_, collector: () => OperatorFunction<ChatChunk, unknown>) => {
  const end = (stream: Observable<ChatChunk>) => lastValueFrom(stream.pipe(collector()));

  test('never takes an answer for whole that has no finish', async () => {
    await expect(end(of(...words('half')))).rejects.toMatchObject({ kind: 'truncated' });
    await expect(end(EMPTY)).rejects.toMatchObject({ kind: 'truncated' });
    await expect(end(of(...words('half'), FINISH, RETRACT))).rejects.toMatchObject({ kind: 'truncated' });
  });

  test('nor one with a tool call that is not JSON', async () => {
    await expect(end(of(call('{"a":'), FINISH))).rejects.toMatchObject({ kind: 'malformed' });
  });

  test('hands errors on', async () => {
    const error = failing('server');
    await expect(end(breaksAfter(words('half'), error))).rejects.toBe(error);
  });
});

test('cancelling a collector cancels the call', () => {
  let open = 0;
  const stream = new Observable<ChatChunk>(() => {
    open++;
    return () => open--;
  });
  const collectors: Observable<unknown>[] = [
    stream.pipe(text()),
    stream.pipe(snapshots()),
    stream.pipe(toResponse()),
  ];
  for (const collected of collectors) {
    const subscription = collected.subscribe();
    expect(open).toBe(1);
    subscription.unsubscribe();
    expect(open).toBe(0);
  }
});

test('arguments of a tool that are not JSON are an error before the finish, and another attempt may do better', async () => {
  const broken = of(call('{"a":'), FINISH);
  const delivered: ChatChunk[] = [];
  const fails = resilient({ provider: scripted('main', [broken]) });
  const error = await firstValueFrom(fails.stream(HELLO).pipe(toArray())).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: 'StreamInterruptedError', kind: 'malformed', retryable: true });
  fails.stream(HELLO).subscribe({ next: (chunk) => delivered.push(chunk), error: () => {} });
  expect(delivered).toStrictEqual([call('{"a":')]);
  const retry = { maxRetries: 1, backoff: AT_ONCE };
  const main = scripted('main', [broken, of(call('{"a":1}'), FINISH)]);
  const { toolCalls } = await resilient({ provider: main, retry }).chat(HELLO);
  expect(toolCalls).toStrictEqual([{ id: 'c', name: 'f', arguments: '{"a":1}' }]);
});

test('a tool without arguments, and one that was cut off by the longest answer, are as the provider says', async () => {
  const plain = of(call(''), FINISH);
  expect((await lastValueFrom(plain.pipe(toResponse()))).toolCalls[0]?.arguments).toBe('');
  const cut = of<ChatChunk[]>(call('{"a":'), { type: 'finish', reason: 'length' });
  expect((await resilient({ provider: scripted('main', [cut]) }).chat(HELLO)).finishReason).toBe('length');
});
