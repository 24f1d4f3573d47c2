import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MonoTypeOperatorFunction, Observable, type Subscription } from 'rxjs';
import { holding, leaving, type Opening } from '../memory.ts';
import { type Guard, guards } from '../peers.ts';
import { builtins, composed, sixMaps, sixOperators } from '../pipelines.ts';
import { table } from '../table.ts';

/** Sends its first token and stays open. */
const talking = new Observable<number>((subscriber) => subscriber.next(1));

const streams =
  (operator: MonoTypeOperatorFunction<number>): Opening =>
  (count) => {
    let received = 0;
    const stream = talking.pipe(operator);
    const open = Array.from({ length: count }, (): Subscription => stream.subscribe(() => received++));
    if (received !== count) throw new Error(`${received} of ${count} streams have begun`);
    return {
      close() {
        for (const subscription of open) subscription.unsubscribe();
      },
    };
  };

const calls =
  ({ name, around }: Guard): Opening =>
  async (count) => {
    const answers: ((answer: string) => void)[] = [];
    const guarded = around(() => new Promise((resolve) => answers.push(resolve)));
    const open = Array.from({ length: count }, guarded);
    while (answers.length < count) await nextTurn();
    return {
      async close() {
        for (const answer of answers) answer('answer');
        const different = (await Promise.all(open)).filter((answer) => answer !== 'answer');
        if (different.length > 0) throw new Error(`${name} gave another answer`);
      },
    };
  };

const transforms: Opening = async (count) => {
  const readers = Array.from({ length: count }, () => {
    const source = new ReadableStream<number>({ start: (controller) => controller.enqueue(1) });
    const stages = Array.from({ length: 6 }, () => new TransformStream<number, number>());
    return stages.reduce((stream, stage) => stream.pipeThrough(stage), source).getReader();
  });
  for (const reader of readers) if ((await reader.read()).value !== 1) throw new Error('another token');
  return {
    async close() {
      await Promise.all(readers.map((reader) => reader.cancel()));
    },
  };
};

const ours = () => ({
  ours: { name: 'six operators', open: streams(sixOperators()) },
  composed: { name: 'the same six by resilience()', open: streams(composed()) },
});
const everybody = () => ({
  ...ours(),
  map6: { name: 'six rxjs maps', open: streams(sixMaps()) },
  builtins: { name: 'rxjs retry + timeout + catchError + finalize', open: streams(builtins()) },
  transforms: { name: 'six native TransformStreams, 1 000 at once', open: transforms, most: 1_000 },
  cockatiel: { name: guards.cockatiel.name, open: calls(guards.cockatiel) },
  opossum: { name: guards.opossum.name, open: calls(guards.opossum) },
  promises: { name: guards.promises.name, open: calls(guards.promises) },
  effect: { name: guards.effect.name, open: calls(guards.effect) },
});

interface Weighed {
  readonly name: string;
  readonly open: Opening;
  /** Where more would take too long. */
  readonly most?: number;
}

function weighed<Key extends string>(some: Record<Key, Weighed>, weigh: typeof holding, count: number) {
  return Object.fromEntries(
    Object.entries<Weighed>(some).map(([key, { name, open, most = count }]) => [
      key,
      weigh(name, Math.min(count, most), open),
    ]),
  ) as Record<Key, ReturnType<typeof holding>>;
}

export const tables = [
  table({
    title: 'Memory of an open stream, 10 000 at once',
    about:
      'Bytes of the heap for each, while every stream has delivered a token and stays open, or every call is under way.',
    unit: 'bytes',
    contestants: (short) => weighed(everybody(), holding, short ? 10 : 10_000),
    comparisons: {
      'memory.perStream': { of: 'ours', atMost: 2_000 },
      'memory.composedPerStream': { of: 'composed', atMost: 2_000 },
    },
  }),
  table({
    title: 'Memory of an open stream, 100 000 at once',
    about: 'The same, ten times as many.',
    unit: 'bytes',
    contestants: (short) => weighed(ours(), holding, short ? 20 : 100_000),
    comparisons: {
      'memory.perStreamOfMany': { of: 'ours', atMost: 2_000 },
      'memory.composedPerStreamOfMany': { of: 'composed', atMost: 2_000 },
    },
  }),
  table({
    title: 'Memory that 10 000 streams leave behind',
    about: 'Bytes of the heap for each, after all of them have been unsubscribed or answered.',
    unit: 'bytes',
    contestants: (short) => weighed(everybody(), leaving, short ? 10 : 10_000),
    comparisons: {
      'memory.leftBehind': { of: 'ours', atMost: 10 },
      'memory.composedLeftBehind': { of: 'composed', atMost: 10 },
    },
  }),
];
