import { isResilienceError, messageOf } from './errors.ts';
import type { ErrorSummary } from './event-parts.ts';

/** One error of a chain, without what led to it. */
type Link = Omit<ErrorSummary, 'causes'>;

/** What stands where somebody else's words are not repeated. */
export const WITHHELD = '[withheld]';

const LONGEST_CHAIN = 8;
const LONGEST_MESSAGE = 500;
const LONGEST_NAME = 100;
const LARGEST_FAMILY = 1_000;

/** Errors that know of a conversation; what stands beside them, or was made of them, may quote it. */
const confidential = new WeakSet<object>();

/** The words of this error, and of all that are tied to it, may quote a conversation: summaries do not repeat them. */
export function withhold(error: unknown): void {
  if (typeof error === 'object' && error !== null) confidential.add(error);
}

/**
 * An error as far as it may travel: JSON-safe, of bounded size, without a stack.
 *
 * @param words `own`: where it, or any error that led to it, knows of a conversation, only what this library has written
 * itself is repeated, that is `summary` of its own errors. `all`: every message as it is.
 */
export function summarize(error: unknown, words: 'own' | 'all' = 'own'): ErrorSummary {
  const withheld = words === 'own' && mayQuote(error);
  const [first, ...causes] = chainOf(error).map((link) => summaryOf(link, words, withheld));
  return { ...(first as Link), ...(causes.length > 0 && { causes }) };
}

/** The error and what led to it, up to where the chain bites its own tail. */
function chainOf(error: unknown): unknown[] {
  const chain = new Set([error]);
  for (let link = read(error, 'cause'); link !== undefined && link !== null; link = read(link, 'cause')) {
    if (chain.has(link) || chain.size === LONGEST_CHAIN) break;
    chain.add(link);
  }
  return [...chain];
}

/** Of several errors each may have left its words in the message. Where not all can be asked, one of them may have. */
function mayQuote(error: unknown): boolean {
  const family = new Set([error]);
  try {
    for (const member of family) {
      if (confidential.has(Object(member) as object) || family.size > LARGEST_FAMILY) return true;
      const errors = read(member, 'errors');
      for (const one of [read(member, 'cause'), ...(Array.isArray(errors) ? (errors as unknown[]) : [])])
        if (typeof one === 'object' && one !== null) family.add(one);
    }
    return false;
  } catch {
    return true;
  }
}

function summaryOf(error: unknown, words: 'own' | 'all', withheld: boolean): Link {
  const [name, kind, status, code] = [
    read(error, 'name'),
    read(error, 'kind'),
    read(error, 'status'),
    read(error, 'code'),
  ];
  return {
    name: typeof name === 'string' ? cut(name, LONGEST_NAME) : 'Error',
    message: cut(wordsOf(error, words, withheld), LONGEST_MESSAGE),
    ...(typeof kind === 'string' && { kind: cut(kind, LONGEST_NAME) }),
    ...(typeof status === 'number' && Number.isFinite(status) && { status }),
    ...(isSystemCode(code) && { code }),
  };
}

function wordsOf(error: unknown, words: 'own' | 'all', withheld: boolean): string {
  const summary = words === 'own' && isResilienceError(error) ? read(error, 'summary') : undefined;
  if (typeof summary === 'string') return summary;
  return withheld ? WITHHELD : messageOf(error);
}

/** What systems call an accident, such as ECONNRESET; other codes are somebody's words. */
export const isSystemCode = (code: unknown): code is string =>
  typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code);

/** A field of something that was thrown, which may be anything: also an object that throws when it is looked at. */
function read(thrown: unknown, field: string): unknown {
  try {
    return (Object(thrown) as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
}

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length)}…` : text;
