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
    // What hangs fails; what is slow does not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The tests over HTTP make much that is short-lived: a larger nursery saves a third of the garbage collection.
    execArgv: ['--max-semi-space-size=64'],
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
