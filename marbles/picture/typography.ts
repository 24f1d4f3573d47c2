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

/** Phrases, as many in a line as fit. */
export function fits(phrases: readonly string[], width: number, perCharacter: number): string[] {
  const lines: string[] = [];
  for (const phrase of phrases) {
    const longer = `${lines.at(-1)}   ·   ${phrase}`;
    if (lines.length > 0 && textWidth(longer, perCharacter) <= width) lines[lines.length - 1] = longer;
    else lines.push(phrase);
  }
  return lines;
}
