import { describe, expect, test } from 'vitest';
import type { ProviderErrorKind } from '../../src/chat/errors.ts';
import { classify, type Refusal } from '../../src/providers/classify.ts';

type Row = [what: string, refusal: Partial<Refusal>, kind: ProviderErrorKind];

function expectRows(rows: Row[]): void {
  test.each(rows)('%s', (_what, refusal, kind) => {
    expect(classify({ codes: [], message: '', ...refusal })).toBe(kind);
  });
}

describe('a status alone has a kind', () => {
  expectRows(
    (
      [
        ['auth', [401, 403]],
        ['quota', [402]],
        ['rate-limit', [429]],
        ['overloaded', [503, 529, 498]],
        ['server', [408, 425, 500, 502, 504, 520, 522, 599]],
        ['invalid', [301, 400, 404, 405, 409, 410, 413, 415, 422]],
      ] as const
    ).flatMap(([kind, statuses]) => statuses.map((status): Row => [`${status}`, { status }, kind])),
  );
});

describe('what is named plainly wins over the status', () => {
  expectRows([
    ['429 of an empty account', { status: 429, codes: ['insufficient_quota'] }, 'quota'],
    ['429 of a hard limit', { status: 429, codes: ['billing_hard_limit_reached'] }, 'quota'],
    [
      '429 that speaks of billing',
      { status: 429, message: 'Please check your plan and billing details.' },
      'quota',
    ],
    [
      '429 that speaks of billing and says when to come back',
      { status: 429, message: 'You exceeded your current quota, check billing. Please retry in 31.2s.' },
      'rate-limit',
    ],
    [
      '429 with a link to raise a quota',
      { status: 429, message: 'Rate limit. https://aka.ms/oai/quotaincrease' },
      'rate-limit',
    ],
    ['400 of an empty credit balance', { status: 400, message: 'Your credit balance is too low.' }, 'quota'],
    ['400 about a billing address', { status: 400, message: 'Field billing is unknown.' }, 'invalid'],
    ['400 context_length_exceeded', { status: 400, codes: ['context_length_exceeded'] }, 'context-length'],
    [
      '400 about the context',
      { status: 400, message: "This model's maximum context length is 8" },
      'context-length',
    ],
    [
      '400 prompt is too long',
      { status: 400, message: 'prompt is too long: 9 tokens > 8' },
      'context-length',
    ],
    [
      '400 about tokens otherwise',
      { status: 400, message: 'max_tokens must be positive, not tokens' },
      'invalid',
    ],
    ['413 about tokens', { status: 413, message: 'Limit 6000 tokens, requested 7000' }, 'context-length'],
    ['413 of a body', { status: 413, message: 'Payload too large' }, 'invalid'],
    ['429 that never fits', { status: 429, message: 'Request too large for model' }, 'context-length'],
    ['400 by policy', { status: 400, codes: ['content_policy_violation'] }, 'content-filter'],
    ['400 of Azure', { status: 400, codes: ['content_filter'] }, 'content-filter'],
    ['400 by the safety system', { status: 400, message: 'rejected by our safety system' }, 'content-filter'],
    ['401 with the type of a bad request', { status: 401, codes: ['invalid_request_error'] }, 'auth'],
    ['500 that says it is overloaded', { status: 500, message: 'overloaded' }, 'server'],
  ]);
});

describe('inside a stream there is no status', () => {
  expectRows([
    ['rate_limit_exceeded', { codes: ['rate_limit_exceeded', 'requests'] }, 'rate-limit'],
    ['rate_limit_error', { codes: ['rate_limit_error'] }, 'rate-limit'],
    ['rate limit in words', { message: 'Rate limit reached for requests' }, 'rate-limit'],
    ['insufficient_quota', { codes: ['insufficient_quota'] }, 'quota'],
    ['billing_error', { codes: ['billing_error'] }, 'quota'],
    ['server_is_overloaded', { codes: ['server_is_overloaded'] }, 'overloaded'],
    ['overloaded_error', { codes: ['overloaded_error'] }, 'overloaded'],
    ['overloaded in words', { message: 'The engine is currently overloaded' }, 'overloaded'],
    ['server_error', { codes: ['server_error'] }, 'server'],
    ['api_error', { codes: ['api_error'] }, 'server'],
    ['timeout_error', { codes: ['timeout_error'] }, 'server'],
    ['authentication_error', { codes: ['authentication_error'] }, 'auth'],
    ['invalid_api_key', { codes: ['invalid_api_key', 'invalid_request_error'] }, 'auth'],
    ['invalid_request_error', { codes: ['invalid_request_error'] }, 'invalid'],
    ['not_found_error', { codes: ['not_found_error'] }, 'invalid'],
    ['context_length_exceeded', { codes: ['context_length_exceeded'] }, 'context-length'],
    ['model_context_window_exceeded', { codes: ['model_context_window_exceeded'] }, 'context-length'],
    ['content_policy_violation', { codes: ['content_policy_violation'] }, 'content-filter'],
    ['bio_policy', { codes: ['bio_policy'] }, 'content-filter'],
    ['a status as the code (OpenRouter)', { codes: ['429'] }, 'rate-limit'],
    ['a status as the code (vLLM)', { codes: ['400'], message: 'maximum context length' }, 'context-length'],
    ['nothing that is known', { codes: ['strange'], message: 'Oops' }, 'server'],
    ['names in capitals', { codes: ['RATE_LIMIT_EXCEEDED'] }, 'rate-limit'],
  ]);
});
