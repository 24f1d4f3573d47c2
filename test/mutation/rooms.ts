import { readdirSync } from 'node:fs';

/** Files that are mutated together, and the tests that judge their mutants. */
export interface Room {
  readonly name: string;
  /** Folders and files of `src/`. */
  readonly files: readonly string[];
  /** Folders and files of `test/`, those first that find most and soonest. The marbles of all operators come last. */
  readonly judges: readonly string[];
}

const core = (...names: readonly string[]): string[] => names.map((name) => `core/${name}.ts`);

/** A pattern, judged by its own tests. */
const pattern = (name: string, ...judges: readonly string[]): Room => ({
  name,
  files: [name],
  judges: [name, ...judges],
});

export const rooms: readonly Room[] = [
  pattern('circuit-breaker'),
  {
    name: 'lines',
    files: core('due-queue', 'waiting-line', 'waiting-room', 'places'),
    judges: [
      'core/due-queue.test.ts',
      'core/waiting-line.test.ts',
      'bulkhead',
      'adaptive-concurrency',
      'rate-limit/operator.test.ts',
      'rate-limit/tokens.test.ts',
    ],
  },
  {
    name: 'demand',
    files: core('demand'),
    judges: ['core/demand.test.ts', 'bulkhead/load-shedding.test.ts', 'rate-limit/tokens.test.ts'],
  },
  pattern('rate-limit'),
  {
    name: 'time',
    files: core('clock', 'steady-clock', 'deadlines', 'recent-sum', 'moving-mean', 'retry-budget'),
    judges: [
      'core/clock.test.ts',
      'core/shared-time.test.ts',
      'core/deadlines.test.ts',
      'core/recent-sum.test.ts',
      'core/moving-mean.test.ts',
      'core/retry-budget.test.ts',
      'timeout',
      'chat/clocks.test.ts',
      'retry/budget.test.ts',
    ],
  },
  pattern('adaptive-concurrency'),
  {
    name: 'attempts',
    files: core('lease', 'admission', 'attempt-subscriber', 'recovery', 'race', 'scope'),
    judges: [
      'core/lease.test.ts',
      'core/admission.test.ts',
      'core/recovery.test.ts',
      'core/race.test.ts',
      'core/scope.test.ts',
      'hedge',
      'bulkhead/operator.test.ts',
      'retry/retry-with-backoff.test.ts',
      'fallback',
      'events/interleavings.test.ts',
    ],
  },
  pattern('retry', 'core/retry-budget.test.ts'),
  pattern('hedge'),
  pattern('adaptive-throttle'),
  pattern('bulkhead'),
  pattern('timeout'),
  pattern('fallback'),
  {
    name: 'events',
    files: core(
      'event-bus',
      'ordered-subject',
      'abort-listeners',
      'unhandled',
      'without-stack',
      'label',
      'random',
      'config',
    ),
    judges: [
      'core/event-bus.test.ts',
      'core/ordered-subject.test.ts',
      'core/config.test.ts',
      'core/label.test.ts',
      'core/abort-listeners.test.ts',
      'core/random.test.ts',
      'core/refusals.test.ts',
      'core/lease.test.ts',
      'core/recovery.test.ts',
      'insights/insights.test.ts',
      'interop',
      'events/listeners.test.ts',
      'hostile/configs.test.ts',
    ],
  },
];

/** What a config may say is no state machine: `test/hostile/configs.test.ts` asks for all of it at once. */
const SCHEMAS = /(config|options|snapshot|index)\.ts$/;

/** The files of a room, from the root of the repository. */
export const filesOf = ({ files }: Room): string[] =>
  files.flatMap((file) =>
    file.endsWith('.ts')
      ? [`src/${file}`]
      : readdirSync(`src/${file}`)
          .filter((name) => !SCHEMAS.test(name))
          .sort()
          .map((name) => `src/${file}/${name}`),
  );
