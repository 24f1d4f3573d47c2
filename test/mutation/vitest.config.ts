import { relative, resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import shared from '../../vitest.config.ts';

/** The judges, those first that find most and soonest: who is found guilty by one is not shown to the rest. */
const judges = (process.env.JUDGES ?? 'test/core').split(',');

class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      judges.findIndex((judge) => relative(process.cwd(), moduleId).startsWith(judge));
    return Promise.resolve([...files].sort((one, other) => rank(one) - rank(other)));
  }
}

const fewRuns: Plugin = {
  name: 'few-runs',
  enforce: 'pre',
  resolveId: (id, importer) =>
    id === 'fast-check' && !importer?.endsWith('few-runs.ts')
      ? resolve(import.meta.dirname, 'few-runs.ts')
      : undefined,
};

export default defineConfig({
  ...shared,
  plugins: [...(shared.plugins ?? []), fewRuns],
  test: {
    ...shared.test,
    include: judges.map((judge) => (judge.endsWith('.ts') ? judge : `${judge}/**/*.test.ts`)),
    // A change may be in what runs only when a module is loaded.
    isolate: true,
    setupFiles: [],
    sequence: { sequencer: InOrder },
    // Judged in threads, which know none of the options of a process.
    execArgv: [],
  },
});
