import * as z from 'zod/mini';
import { functionOption, parseConfig } from '../core/config.ts';
import { ConfigurationError } from '../core/errors.ts';
import {
  ENVIRONMENT,
  type InsightsCore,
  type InsightsEnvironment,
  type InsightsRecorder,
  type InsightsRecorderModule,
} from './core-types.ts';
import { instrument } from './instruments.ts';
import { Kept } from './kept.ts';
import { type Describe, kindOf, redacting } from './redaction.ts';

export const InsightsConfigSchema = z.strictObject({
  /** Receives what happens. @default that of `@rxjs-insights/recorder` */
  recorder: z.optional(
    z.custom<InsightsRecorder>(
      (value) => typeof (value as InsightsRecorder | null)?.observableRef === 'function',
      'must be a recorder of RxJS Insights',
    ),
  ),
  /**
   * What is recorded of a value, an error, an argument, an observable or an observer; `(value) => value` records them as
   * they are. @default the kind: the name of the class, and of a chunk or an event its type
   */
  describe: z.optional(functionOption<Describe>()),
});
export type InsightsConfig = z.input<typeof InsightsConfigSchema>;

export interface Insights {
  /** Takes the instruments out again; what is subscribed goes on being recorded until it ends. */
  uninstall(): void;
}

let installed: Promise<Insights> | undefined;

/**
 * Puts the instruments of RxJS Insights into the RxJS of this program: in Node, in a test runner, in a bundle, without a
 * plugin. From then on every subscription is recorded, and the operators and streams of this package have names of their own
 * there, with the name of their policy as a tag.
 *
 * Nothing that anybody has said or configured is recorded unless `describe` lets it through. What the program does stays as it
 * is: errors that nobody handles are reported, and a consumer that throws disturbs no producer.
 *
 * For debugging, never for production: it is slow, and what is recorded is kept for as long as the streams are. Where RxJS
 * Insights has been installed by its own plugin, only the names and the redaction are added. Whoever calls it while it is
 * installed gets what the first call made.
 *
 * @example
 * ```ts
 * await installInsights();
 * const answer$ = assistant.stream([{ role: 'user', content: 'Say hello' }]);
 * await lastValueFrom(answer$);
 * console.log(renderInsights(answer$));
 * // ResilientProvider.stream [assistant]  text x2, finish, complete
 * // ...
 * ```
 * @throws {ConfigurationError} (as a rejection) when `@rxjs-insights/core` or `@rxjs-insights/recorder` cannot be loaded.
 */
export function installInsights(config: InsightsConfig = {}): Promise<Insights> {
  const { recorder, describe = kindOf } = parseConfig('installInsights', InsightsConfigSchema, config);
  installed ??= install(recorder, describe).catch((error: unknown) => {
    installed = undefined;
    throw error;
  });
  return installed;
}

async function install(given: InsightsRecorder | undefined, describe: Describe): Promise<Insights> {
  const parts = environment() ? undefined : await Promise.all([loadCore(), given ?? loadRecorder()]);
  // Somebody else may have been quicker.
  const present = environment();
  const undo =
    parts === undefined || present
      ? cover((present as InsightsEnvironment).recorder, describe)
      : instrument(parts[0], redacting(parts[1], describe), Kept.by(parts[1]));
  let over = false;
  return {
    uninstall() {
      if (over) return;
      over = true;
      installed = undefined;
      undo();
    },
  };
}

const environment = (): InsightsEnvironment | undefined =>
  (globalThis as { [ENVIRONMENT]?: InsightsEnvironment | null })[ENVIRONMENT] ?? undefined;

/** All who are instrumented already know this very recorder: so it is its methods that change. */
function cover(recorder: InsightsRecorder, describe: Describe): () => void {
  const before = Object.getOwnPropertyDescriptors(recorder) as Record<string, PropertyDescriptor | undefined>;
  const methods = Object.keys(redacting(recorder, describe)) as (keyof InsightsRecorder)[];
  const bound = Object.fromEntries(methods.map((method) => [method, recorder[method]?.bind(recorder)]));
  Object.assign(recorder, redacting(bound as unknown as InsightsRecorder, describe));
  return () => {
    for (const method of methods) {
      Reflect.deleteProperty(recorder, method);
      if (before[method] !== undefined) Object.defineProperty(recorder, method, before[method]);
    }
  };
}

const loadCore = (): Promise<InsightsCore> =>
  load<InsightsCore>('@rxjs-insights/core', () => import('@rxjs-insights/core'));

let loadedRecorder: InsightsRecorder | undefined;

/** The same for every installation: so what a stream has done before is still known. */
const loadRecorder = async (): Promise<InsightsRecorder> => {
  const name = '@rxjs-insights/recorder';
  const module = await load<InsightsRecorderModule>(name, () => import('@rxjs-insights/recorder'));
  loadedRecorder ??= module.getRecorder();
  return loadedRecorder;
};

/** Node sees one default export where bundlers see the names. */
async function load<Module>(name: string, imported: () => Promise<unknown>): Promise<Module> {
  try {
    const module = (await imported()) as Module & { readonly default?: Module };
    return module.default ?? module;
  } catch (cause) {
    throw new ConfigurationError(
      `installInsights: ${name} cannot be loaded. Is it installed? npm install --save-dev @rxjs-insights/core @rxjs-insights/recorder`,
      { cause },
    );
  }
}
