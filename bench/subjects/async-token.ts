import { smoothStream, type TextStreamPart, type ToolSet } from 'ai';
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import * as Stream from 'effect/Stream';
import { from, type Observable } from 'rxjs';
import { fromAsyncIterable } from '../../src/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { builtins, composed, sixMaps, sixOperators } from '../pipelines.ts';
import { table } from '../table.ts';

type Token = TextStreamPart<ToolSet>;
const token: Token = { type: 'text-delta', id: '0', text: 'word ' };

async function* tokens(count: number): AsyncGenerator<Token> {
  for (let sent = 0; sent < count; sent++) yield token;
}

/** What a way through has to deliver: every token, and each as it was. */
class Reader {
  received = 0;

  readonly read = (it: Token): void => {
    if (it.type !== 'text-delta' || it.text !== 'word ')
      throw new Error(`a strange token: ${JSON.stringify(it)}`);
    this.received++;
  };
}

function reading(name: string, count: number, run: (reader: Reader) => Promise<unknown>): Contestant {
  return timed(name, async () => {
    const reader = new Reader();
    await run(reader);
    if (reader.received !== count) throw new Error(`${name}: ${reader.received} of ${count} tokens`);
    return count;
  });
}

const observed = (name: string, count: number, make: () => Observable<Token>) =>
  reading(name, count, (reader) => make().forEach(reader.read));

/** Which DOM types do not know yet. */
const { from: readableFrom } = ReadableStream as unknown as {
  from<T>(iterable: AsyncIterable<T>): ReadableStream<T>;
};

const transformed = (name: string, count: number, stages: () => TransformStream<Token, Token>[]) =>
  reading(name, count, async (reader) => {
    const source = readableFrom(tokens(count));
    for await (const it of stages().reduce((stream, stage) => stream.pipeThrough(stage), source))
      reader.read(it);
  });

export const tables = [
  table({
    title: 'A token of an asynchronous stream',
    about:
      'An async generator yields 100 000 chunks of text, one a microtask; everybody reads it to its end. `smoothStream` works without its delay, and each chunk is one word.',
    unit: 'ns',
    contestants(short) {
      const count = short ? 200 : 100_000;
      const source = () => from(tokens(count));
      const [six, all, maps, own] = [
        sixOperators<Token>(),
        composed<Token>(),
        sixMaps<Token>(),
        builtins<Token>(),
      ];
      return {
        bare: observed('rxjs from, and nothing else', count, source),
        ours: observed('six operators', count, () => source().pipe(six)),
        composed: observed('the same six by resilience()', count, () => source().pipe(all)),
        bridged: observed('six operators behind fromAsyncIterable()', count, () =>
          fromAsyncIterable(() => tokens(count)).pipe(six),
        ),
        map6: observed('six rxjs maps', count, () => source().pipe(maps)),
        builtins: observed('rxjs retry + timeout + catchError + finalize', count, () => source().pipe(own)),
        effect: reading('effect Stream, timeout + retry', count, (reader) =>
          Stream.fromAsyncIterable(tokens(count), (error) => error as Error).pipe(
            Stream.timeout('30 seconds'),
            Stream.retry(Schedule.recurs(3)),
            Stream.runForEach((it) => Effect.sync(() => reader.read(it))),
            Effect.runPromise,
          ),
        ),
        transforms: transformed('six native TransformStreams', count, () =>
          Array.from({ length: 6 }, () => new TransformStream<Token, Token>()),
        ),
        smooth: transformed('AI SDK smoothStream', count, () => [
          smoothStream({ delayInMs: null })({ tools: {} }),
        ]),
      };
    },
    comparisons: {
      'asyncToken.vsFrom': { of: 'ours', to: 'bare', atMost: 1.7 },
      'asyncToken.composedVsFrom': { of: 'composed', to: 'bare', atMost: 1.7 },
      'asyncToken.bridgedVsFrom': { of: 'bridged', to: 'bare', atMost: 1.7 },
      'asyncToken.vsMap6': { of: 'ours', to: 'map6' },
      'asyncToken.vsTransformStreams': { of: 'ours', to: 'transforms' },
      'asyncToken.vsSmoothStream': { of: 'ours', to: 'smooth' },
    },
  }),
];
