/** What the consumer of a cell has to see, by rule. */
import type { ProviderErrorKind } from '../../src/chat/index.ts';
import { DEFAULT_ANSWER, tokensOf } from '../support/fault-server.ts';
import type { Adapter } from './adapters.ts';
import type { Row } from './faults.ts';

export const MODES = ['fail', 'restart', 'continue'] as const;
export type Mode = (typeof MODES)[number];

export const MAX_RETRIES = 1;
/** The longest delay that is waited for, in milliseconds. */
export const MAX_DELAY = 1_000;

/** What there is to know of an adapter. */
export type Described = Omit<Adapter, 'at'>;

export interface Outcome {
  /** `answer`: the whole one. `interrupted`: an error with what stands. `refused`: an error, and nothing was shown. */
  readonly end: 'answer' | 'interrupted' | 'refused';
  /** What is shown at the end, and so what the error carries. */
  readonly text: string;
  /** Of the error. */
  readonly kind: ProviderErrorKind | undefined;
  readonly marks: readonly string[];
  /** Requests that reached the first provider, and the spare one. */
  readonly requests: readonly [first: number, spare: number];
}

const NEVER_AGAIN: readonly ProviderErrorKind[] = [
  'quota',
  'auth',
  'invalid',
  'context-length',
  'content-filter',
  'malformed',
];
const NOBODY_ELSE: readonly ProviderErrorKind[] = ['invalid', 'content-filter'];
/** `The ` is too short to recognize a repetition. */
const SHORTEST_CONTINUED = 2;

export function kindIn({ kind, otherwise }: Row, adapter: string): ProviderErrorKind | undefined {
  const special = otherwise?.find(({ adapters }) => adapters.includes(adapter));
  return special === undefined ? kind : special.kind;
}

/** What `adapter` makes of a row. */
export function expected(row: Row, mode: Mode, { adapter, resumes = false }: Described): Outcome {
  const { faults, said = 0, retryAfter = 0, silent, onContinuation } = row;
  const kind = kindIn(row, adapter);
  const answer = { end: 'answer', text: DEFAULT_ANSWER, kind: undefined } as const;
  if (kind === undefined) return { ...answer, marks: [], requests: [1, 0] };

  const shown = tokensOf(DEFAULT_ANSWER).slice(0, said).join('');
  const failure = { end: said > 0 ? 'interrupted' : 'refused', text: shown, kind } as const;
  if (said > 0 && mode === 'fail') return { ...failure, marks: [], requests: [1, 0] };

  const goesOn = (words: number): boolean => mode === 'continue' && words >= SHORTEST_CONTINUED;
  const markOf = (continued: boolean): string[] => (said === 0 ? [] : [continued ? 'resume' : 'retract']);
  const continued = goesOn(said) || (mode === 'continue' && resumes);
  const refused = continued && !resumes && onContinuation?.reply !== undefined;
  const again = silent !== true && retryAfter <= MAX_DELAY && !NEVER_AGAIN.includes(kind);
  const heals = faults.length > 1;
  // Who has nothing left to say, and does not end well either, says nothing.
  const speaks = again && (heals || !continued || shown !== DEFAULT_ANSWER);
  const marks = speaks ? markOf(continued && !refused) : [];
  const asked = 1 + (again ? MAX_RETRIES : 0) + (again && refused ? 1 : 0);
  if (again && heals) return { ...answer, marks, requests: [asked, 0] };
  if (NOBODY_ELSE.includes(kind)) return { ...failure, marks, requests: [asked, 0] };
  // By then the first provider may have gone on, and broken off again.
  const words = speaks && continued ? 2 * said : said;
  return { ...answer, marks: [...marks, ...markOf(goesOn(words)), 'switch'], requests: [asked, 1] };
}
