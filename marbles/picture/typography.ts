/** An element of a picture. The content is markup already. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content?: string,
): string {
  const opening = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${value}"`)].join(' ');
  return content === undefined ? `<${opening}/>` : `<${opening}>${content}</${name}>`;
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Generous, because the reader's font is not known: what has room in a wide font has room in all. */
export const textWidth = (text: string, perCharacter = 6.9): number => text.length * perCharacter;

export const monoWidth = (text: string): number => text.length * 7.4;

/** A line of code, its literals in colours of their own. */
export const codeLine = (line: string): string =>
  line
    .split(/('[^']*'|\b\d[\d_]*\b)/)
    .map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      return element('tspan', { class: part.startsWith("'") ? 'literal' : 'number' }, escaped(part));
    })
    .join('');

/** As many in a row as have room. */
export function inRows<T extends { readonly width: number }>(entries: readonly T[], width: number): T[][] {
  const rows: T[][] = [];
  let left = 0;
  for (const entry of entries) {
    const row = rows.at(-1);
    if (row !== undefined && entry.width <= left) row.push(entry);
    else {
      rows.push([entry]);
      left = width;
    }
    left -= entry.width;
  }
  return rows;
}

/** Finer than a tenth of a pixel nobody sees, and no picture should differ by it. */
export const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Milliseconds, and whole seconds where there are as many. */
export const timeWords = (milliseconds: number): string =>
  milliseconds >= 1_000 && milliseconds % 1_000 === 0
    ? `${milliseconds / 1_000} s`
    : String(milliseconds).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f');
