import { same } from './same.ts';

const FREE = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const MARKS = new Set('-|#^!() ');

/** Gives every value a letter, so that lanes can be drawn, and says in a legend what the letters mean. */
export class Letters {
  readonly #entries: { readonly letter: string; readonly value: unknown; used: boolean }[];
  readonly #errors: string[] = [];

  /** @param values the letters that the author has chosen. */
  constructor(values: Readonly<Record<string, unknown>> = {}) {
    this.#entries = Object.entries(values).map(([letter, value]) => ({ letter, value, used: false }));
  }

  of(value: unknown): string {
    const known = this.#entries.find((entry) => same(entry.value, value));
    if (known) known.used = true;
    const letter = known?.letter ?? this.#ownLetter(value) ?? this.#freeLetter();
    if (!known) this.#entries.push({ letter, value, used: true });
    return letter;
  }

  /** All errors are drawn alike; the legend tells them apart. */
  ofError(error: unknown): string {
    const text = written(error);
    if (error !== 'error' && !this.#errors.includes(text)) this.#errors.push(text);
    return '#';
  }

  /** One line for everything that was drawn and is not its own letter. */
  legend(): string[] {
    const values = this.#entries.filter(({ letter, value, used }) => used && letter !== String(value));
    return [
      ...values.map(({ letter, value }) => `${letter} = ${written(value)}`),
      ...this.#errors.map((error) => `# = ${error}`),
    ];
  }

  /** Strings and numbers of one character speak for themselves, unless that character is taken. */
  #ownLetter(value: unknown): string | undefined {
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const letter = String(value);
    return Array.from(letter).length === 1 && !MARKS.has(letter) && !this.#isTaken(letter)
      ? letter
      : undefined;
  }

  #freeLetter(): string {
    return FREE.find((letter) => !this.#isTaken(letter)) ?? '?';
  }

  #isTaken(letter: string): boolean {
    return this.#entries.some((entry) => entry.letter === letter);
  }
}

/** A value as a person would write it, on one line that is not too long. */
export function written(value: unknown): string {
  if (value instanceof Error) return cut(`${value.name}: ${value.message}`);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? cut(JSON.stringify(value)) : String(value);
  try {
    const text = JSON.stringify(value);
    const { name } = (value.constructor ?? {}) as { name?: unknown };
    // What a class hides is not what its value is.
    return text === '{}' && typeof name === 'string' && name !== 'Object'
      ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
      : cut(text);
  } catch {
    return cut(Object.prototype.toString.call(value));
  }
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
