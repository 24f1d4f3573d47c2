import { styleText } from 'node:util';
import type { Tone } from './screen.ts';
import { columnsOf } from './text.ts';

const STYLES: Record<Tone, Parameters<typeof styleText>[0]> = {
  dim: 'dim',
  good: 'green',
  bad: 'red',
  wait: 'yellow',
  news: 'cyan',
  strong: 'bold',
  gone: ['red', 'dim', 'strikethrough'],
};

export type Paint = (tone: Tone | undefined, text: string) => string;

/** Whether colours are wanted was asked before, of the stream that is written to. */
export const coloured: Paint = (tone, text) =>
  tone === undefined || text === '' ? text : styleText(STYLES[tone], text, { validateStream: false });

/** What colour alone would say has to be said by the characters: what is gone is dots. */
export const plain: Paint = (tone, text) =>
  tone === 'gone' ? text.replace(/\S+/g, (word) => '·'.repeat(columnsOf(word))) : text;
