import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConfigurationError } from 'rxjs-resilience';
import { installInsights } from 'rxjs-resilience/insights';

test('whoever has not installed RxJS Insights is told so', async () => {
  await assert.rejects(installInsights(), (error) => {
    assert.match(
      error.message,
      /@rxjs-insights\/core cannot be loaded.*npm install --save-dev @rxjs-insights\/core/,
    );
    return isConfigurationError(error) && error.cause instanceof Error;
  });
});
