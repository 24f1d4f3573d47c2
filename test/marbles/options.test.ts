/** Every operator has a chapter, and every option that changes what happens in time is shown by one of its diagrams. */
import { describe, expect, test } from 'vitest';
import { Manuscript } from '../../marbles/book/manuscript.ts';
import { CONFIGS, commonOptions, type OperatorConfig, optionsOf } from '../../marbles/book/options.ts';
import type { Chapter } from '../../marbles/diagram.ts';
import { chapters } from '../../marbles/index.ts';
import * as library from '../../src/index.ts';

/** Options without a diagram of their own in the chapter, and why that is right. */
const WITHOUT_DIAGRAM: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  resilience: {
    priority: 'is handed to rateLimit and bulkhead, whose chapters show it',
    patience: 'is handed to rateLimit and bulkhead, whose chapters show it',
    tokensOf: 'is handed to rateLimit, whose chapter shows it',
    reportsOf: 'is handed to rateLimit, whose chapter shows it',
  },
  ResilientProvider: {
    provider: 'the shorthand of the chapter gives one to every diagram',
    fallbackProvider: "is 'spare' in the shorthand of the chapter",
    fallbackProviders:
      'is fallbackProvider for several; that they are tried in order, the chapter of fallback shows',
    throttle: 'the chapter of resilience shows it: a provider puts the same policies in the same order',
    'call: priority': 'is handed to rateLimit and bulkhead, whose chapters show it',
    'call: callId': 'is handed to the provider, for its logs',
  },
};

/** Configs of objects and functions that are no operators, and why they have no chapter. */
const WITHOUT_CHAPTER: Readonly<Record<string, string>> = {
  AimdConfigSchema: 'a table of numbers, proven by tests of its own',
  GradientConfigSchema: 'a table of numbers, proven by tests of its own',
  AsyncIterableConfigSchema: 'a bridge to for await: promises do not run in virtual time',
  BridgeConfigSchema: 'a line to another process: what it does in time is the sink’s',
  CircuitRegistryConfigSchema: 'a cupboard of circuit breakers, which does nothing in time',
  CircuitSnapshotSchema: 'a form of data, no config',
  ConsoleSinkConfigSchema: 'writes lines, which is no matter of time',
  EventSinkConfigSchema:
    'a queue that is written at the end of the turn: its numbers have tests of their own',
  EventBusConfigSchema: 'says what may be repeated, which is no matter of time',
  ExponentialBackoffConfigSchema: 'a strategy of retryWithBackoff, shown in its chapter',
  HealthHandlerConfigSchema: 'speaks HTTP, and is tested over real HTTP',
  LinearBackoffConfigSchema: 'a table of numbers, proven by tests of its own',
  ReplayBufferConfigSchema: 'a memory, which does nothing in time',
  JitteredBackoffConfigSchema: 'a table of numbers, proven by tests of its own',
  RetryBudgetConfigSchema:
    'an account that operators share, shown in the chapters of retryWithBackoff and hedge',
  LatencyPercentileConfigSchema: 'a delay of hedge, shown in its chapter',
  DecorrelatedJitterBackoffConfigSchema: 'a table of numbers, proven by tests of its own',
};

const common = new Set(commonOptions().map(({ name }) => name));
const schemaOf = (name: string) =>
  (library as unknown as Record<string, { shape?: Record<string, unknown> } | undefined>)[name];

test('every config of the library has a chapter, or a reason for none', () => {
  const configs = Object.keys(library).filter((name) => /Config.*Schema$/.test(name));
  expect(configs).toContain('BulkheadConfigSchema');
  const shown = Object.values(CONFIGS).map(({ schema }) => schema);
  expect(
    configs.filter((name) => !shown.includes(name) && WITHOUT_CHAPTER[name] === undefined),
  ).toStrictEqual([]);
  expect(Object.keys(CONFIGS).sort()).toStrictEqual(chapters.map(({ operator }) => operator).sort());
});

describe.each(chapters.map((chapter) => ({ chapter, operator: chapter.operator })))(
  '$operator',
  ({ chapter }) => {
    const config = CONFIGS[chapter.operator]!;

    test('documents exactly the options that its schema accepts', () => {
      const accepted = Object.keys(schemaOf(config.schema)?.shape ?? {});
      expect(accepted.length).toBeGreaterThan(0);
      const documented = optionsOf(config).map(({ name }) => name);
      expect(documented.filter((name) => !name.includes('.')).sort()).toStrictEqual(
        accepted.filter((name) => !common.has(name)).sort(),
      );
      expect(optionsOf(config).filter(({ meaning }) => meaning === '')).toStrictEqual([]);
    });

    test('shows every option in a diagram, or says why not', () => {
      const exceptions = WITHOUT_DIAGRAM[chapter.operator] ?? {};
      const shown = optionsShown(chapter, config);
      const options = [
        ...optionsOf(config).map(({ path }) => path),
        ...(config.call ? optionsOf(config.call).map(({ path }) => `call: ${path}`) : []),
      ];
      expect(options.filter((path) => !shown.has(path) && exceptions[path] === undefined)).toStrictEqual([]);
      expect(
        Object.keys(exceptions).filter((path) => shown.has(path) || !options.includes(path)),
      ).toStrictEqual([]);
    });
  },
);

test('an option that a config and a call have in common is told of each as that one means it', () => {
  const config = CONFIGS.ResilientProvider!;
  const timeout = (options: ReturnType<typeof optionsOf>) => options.find(({ name }) => name === 'timeout');
  expect(timeout(optionsOf(config))).toMatchObject({
    default: 'none',
    meaning: expect.stringContaining("one provider's attempts") as string,
  });
  expect(timeout(optionsOf(config.call!))).toMatchObject({
    default: 'Infinity',
    meaning: expect.stringContaining("The caller's patience") as string,
  });
});

function optionsShown(chapter: Chapter, { schema }: OperatorConfig): Set<string> {
  const manuscript = new Manuscript(chapter);
  // An operator takes a config, or the shared object that was made of one.
  const makers = [chapter.operator, schema.replace('ConfigSchema', '')];
  return new Set(chapter.diagrams.flatMap(({ title }) => [...manuscript.options(title, makers)]));
}
