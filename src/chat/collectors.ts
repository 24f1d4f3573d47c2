import { type OperatorFunction, reduce } from 'rxjs';
import { labelled } from '../core/label.ts';
import type { ChatChunk } from './chunk.ts';

/**
 * The text of the answer, once it is whole.
 *
 * ```
 * source   ^--A--B--R--A--B--C--|          R is a retract mark
 * result   ---------------------(ABC|)     text()
 * ```
 *
 * What a `retract` takes back is not in it. An error passes through, and then there is no text: an answer that broke off
 * is in the `text` of the `StreamInterruptedError`.
 *
 * @example
 * ```ts
 * provider.stream([{ role: 'user', content: 'Say hello' }]).pipe(text()).subscribe(console.log);
 * // Hello!
 * ```
 */
export function text(): OperatorFunction<ChatChunk, string> {
  return labelled('text', 'answer', (source) =>
    source.pipe(
      reduce<ChatChunk, string>((text, chunk) => {
        if (chunk.type === 'retract') return '';
        return chunk.type === 'text' ? text + chunk.text : text;
      }, ''),
    ),
  );
}
