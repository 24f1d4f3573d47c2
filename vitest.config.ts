import { availableParallelism } from 'node:os';
import { transform } from 'esbuild';
import { defineConfig, type Plugin } from 'vitest/config';

/** The transform of Vite leaves decorators as they are, and no Node runs them yet. */
const typescript: Plugin = {
  name: 'typescript-with-decorators',
  enforce: 'pre',
  transform: {
    filter: { id: /\.ts$/ },
    handler: (code, sourcefile) =>
      transform(code, { loader: 'ts', target: 'es2022', sourcefile, sourcemap: 'external' }),
  },
};

export default defineConfig({
  oxc: false,
  plugins: [typescript],
  test: {
    include: ['test/**/*.test.ts', 'marbles/**/*.test.ts', 'simulations/**/*.test.ts'],
    reporters: ['dot'],
    // To load what a file needs takes longer than most of its tests: files share it, and each leaves the world as it was.
    isolate: false,
    setupFiles: [
      'test/support/nothing-left.ts',
      ...(process.env.PROPERTY_SEED === undefined ? [] : ['test/support/property-seed.ts']),
    ],
    // What hangs fails; what is slow does not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A thread is begun sooner than a process. Three of them also where there are only two cores, for many a test waits.
    pool: 'threads',
    maxWorkers: Math.max(3, availableParallelism() - 1),
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
