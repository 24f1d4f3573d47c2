import { WITHHELD } from '../core/error-summary.ts';

/** Words of the other side: on one line, of bearable length. */
export class Quote {
  readonly words: string;

  constructor(words: string) {
    this.words = words.replace(/\s+/g, ' ').trim();
  }
}

/** A sentence of this library in which the other side may be quoted. */
export interface Sentence {
  readonly whole: string;
  /** Without the quotations, which may repeat a part of the conversation. */
  readonly own: string;
}

/** Writes a sentence. What is interpolated is ours, unless it is a {@link Quote}. */
export function sentence(
  strings: TemplateStringsArray,
  ...parts: readonly (string | number | Quote)[]
): Sentence {
  const write = (quoted: (quote: Quote) => string): string =>
    String.raw({ raw: strings }, ...parts.map((part) => (part instanceof Quote ? quoted(part) : part)));
  return {
    whole: write(({ words }) => spoken(words)),
    own: write(({ words }) => (words === '' ? SILENT : `${WITHHELD}.`)),
  };
}

const SILENT = 'it gave no reason.';

const spoken = (words: string): string =>
  words === '' ? SILENT : `"${words.length > 300 ? `${words.slice(0, 300)}…` : words}".`;
