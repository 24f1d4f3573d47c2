import { expect, test } from 'vitest';

test('what breaks while it is loaded breaks a test, and not only the files that load it', async () => {
  await expect(import('../../src/index.ts')).resolves.toHaveProperty('resilience');
});
