import type { ProviderErrorKind } from '../chat/errors.ts';
import { delayInWords } from './retry-after.ts';

/** What a provider said when it refused or failed: over HTTP, or inside a stream, where there may be no status. */
export interface Refusal {
  readonly status?: number | undefined;
  /** The provider's own names for it: `error.code` and `error.type`, whichever it sends. */
  readonly codes: readonly string[];
  readonly message: string;
}

interface Rule {
  readonly kind: ProviderErrorKind;
  readonly status?: (status: number) => boolean;
  readonly code?: RegExp;
  readonly words?: RegExp;
  /** The statuses with which the words count; `undefined` stands for none. @default with every one */
  readonly with?: readonly (number | undefined)[];
}

const is =
  (...statuses: readonly number[]) =>
  (status: number): boolean =>
    statuses.includes(status);

/**
 * From the particular to the general. One status or type serves many troubles, so what is named plainly comes first, then
 * the status, and then, inside a stream, the family of the error.
 */
const RULES: readonly Rule[] = [
  {
    kind: 'quota',
    status: is(402),
    code: /^(insufficient_quota|billing_\w+|insufficient_(balance|credits))$/,
  },
  { kind: 'quota', words: /credit balance/, with: [400, 403, 429, undefined] },
  {
    kind: 'quota',
    words: /exceeded your current quota|billing|insufficient (quota|balance|credits|funds)/,
    with: [403, 429, undefined],
  },
  { kind: 'context-length', code: /^(context_length_exceeded|model_context_window_exceeded)$/ },
  {
    kind: 'context-length',
    words: /context (length|window)|maximum context|prompt is too long/,
    with: [400, 413, 422, undefined],
  },
  { kind: 'context-length', words: /\btokens?\b/, with: [413] },
  // One request beyond what a whole minute allows: no wait makes it fit.
  { kind: 'context-length', words: /request too large/, with: [429] },
  { kind: 'content-filter', code: /^((image_)?content_policy_violation|content_filter|bio_policy)$/ },
  {
    kind: 'content-filter',
    words: /content (management )?policy|content filter|safety system/,
    with: [400, 403, undefined],
  },
  { kind: 'rate-limit', status: is(429) },
  { kind: 'overloaded', status: is(498, 503, 529) },
  { kind: 'auth', status: is(401, 403) },
  { kind: 'server', status: (status) => status >= 500 || is(408, 425)(status) },
  { kind: 'invalid', status: (status) => status >= 300 },
  {
    kind: 'overloaded',
    code: /overloaded|^slow_down$/,
    words: /overloaded|server busy|maximum pending requests/,
  },
  { kind: 'rate-limit', code: /rate_?limit|^(requests|tokens)$/, words: /rate limit|too many requests/ },
  { kind: 'auth', code: /^(authentication_error|permission_error|invalid_api_key)$/ },
  {
    kind: 'invalid',
    code: /^(invalid_\w+|image_\w+|not_found_error|model_not_found|request_too_large|data_residency_mismatch)$/,
  },
];

/** The kind of a refusal; one that no rule recognises is trouble on the provider's side. */
export function classify({ status, codes, message }: Refusal): ProviderErrorKind {
  const heard: Refusal = {
    // Some send the HTTP status as the code of an error inside a stream.
    status: status ?? codes.map(Number).find((code) => code >= 400 && code < 600),
    codes: codes.map((code) => code.toLowerCase()),
    message: message.toLowerCase(),
  };
  const rule = RULES.find((rule) => applies(rule, heard));
  // Gemini speaks of quota and billing also when it only wants us to wait; then it says how long.
  if (rule?.kind === 'quota' && rule.words && delayInWords(message) !== undefined) return 'rate-limit';
  return rule?.kind ?? 'server';
}

function applies(rule: Rule, { status, codes, message }: Refusal): boolean {
  if (status !== undefined && rule.status?.(status)) return true;
  if (codes.some((said) => rule.code?.test(said))) return true;
  return rule.words?.test(message) === true && (rule.with?.includes(status) ?? true);
}
