/** Repeats what a failing property test has printed: `PROPERTY_SEED=123 PROPERTY_PATH=0:1:1 npx vitest run test/some -t "its name"`. */
import fc from 'fast-check';

const { PROPERTY_SEED: seed, PROPERTY_PATH: path } = process.env;
fc.configureGlobal({ seed: Number(seed), ...(path !== undefined && { path }) });
