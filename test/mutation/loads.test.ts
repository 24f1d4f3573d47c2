import { expect, test } from 'vitest';

/** All of the library is read and translated here, which takes long on a machine with other work. */
const PATIENCE = 600_000;

test(
  'what breaks while it is loaded breaks a test, and not only the files that load it',
  async () => {
    await expect(import('../../src/index.ts')).resolves.toHaveProperty('resilience');
  },
  PATIENCE,
);
