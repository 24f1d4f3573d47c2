import { resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';
import { CHROMIUM } from './chromium.ts';
import { browserSuites } from './suites.ts';

const root = resolve(import.meta.dirname, '../..');

/** A page is not sandboxed a second time inside a container, and calls nobody. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  ...base,
  root,
  // Found one after the other they would be bundled while tests run, and the page would be loaded anew.
  optimizeDeps: { include: ['rxjs', 'rxjs/testing', 'zod', 'zod/mini', 'fast-check', 'eventsource-parser'] },
  test: {
    ...base.test,
    include: browserSuites(),
    isolate: true,
    setupFiles: [resolve(import.meta.dirname, 'browser-setup.ts')],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath: CHROMIUM, args: ARGUMENTS } }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
