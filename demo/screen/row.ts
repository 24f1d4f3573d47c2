import type { Paint } from './paint.ts';
import type { Tone } from './screen.ts';
import { charactersOf, columnsOf, wrap } from './text.ts';

/** A line on the screen, as pieces of one tone each. */
export type Row = readonly Span[];
export interface Span {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

const spaces = (count: number): Span => ({ text: ' '.repeat(Math.max(0, count)) });

/** Exactly so many columns: what is too long is cut, what is too short is filled up. */
export function fit(row: Row, width: number, paint: Paint): string {
  let left = width;
  let line = '';
  for (const { text, tone } of row) {
    let kept = '';
    for (const character of charactersOf(text)) {
      const columns = columnsOf(character);
      if (columns > left) break;
      left -= columns;
      kept += character;
    }
    line += paint(tone, kept);
  }
  return line + spaces(left).text;
}

/** Text in a lane, its first line behind `lead` and the others indented as deeply. */
export function paragraph(lead: Row, text: string, width: number, tone?: Tone): Row[] {
  const indent = lead.reduce((columns, span) => columns + columnsOf(span.text), 0);
  return wrap(text, width - indent).map(({ start, end }, index) => [
    ...(index === 0 ? lead : [spaces(indent)]),
    { text: text.slice(start, end), tone },
  ]);
}
