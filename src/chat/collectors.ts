import { defer, distinctUntilChanged, map, type OperatorFunction, reduce, scan, skip, startWith } from 'rxjs';
import { labelled } from '../core/label.ts';
import { Answer, type ChatAnswer } from './answer.ts';
import type { ChatChunk } from './chunk.ts';
import { ProviderError } from './errors.ts';

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
  return labelled('text', 'answer', (source) => source.pipe(reduce(grown, '')));
}

/**
 * The text of the answer so far, whenever it changes: what a user interface shows.
 *
 * ```
 * source   ^--A--B--R--A----B----F|          R is a retract mark, F the finish
 * result   ---a--b--c--a----b-----|          snapshots(): a "A", b "AB", c ""
 * ```
 *
 * Every value is the whole text, so what a `retract` takes back disappears by itself. An error passes through.
 *
 * @example
 * ```ts
 * provider.stream([{ role: 'user', content: 'Say hello' }]).pipe(snapshots()).subscribe(console.log);
 * // Hel
 * // Hello!
 * ```
 */
export function snapshots(): OperatorFunction<ChatChunk, string> {
  return labelled('snapshots', 'answer', (source) =>
    source.pipe(scan(grown, ''), startWith(''), distinctUntilChanged(), skip(1)),
  );
}

/**
 * The whole answer: text, reasoning, tool calls, usage, and who gave it.
 *
 * ```
 * source   ^--A--B--R--A--B--F|          R is a retract mark, F the finish
 * result   -------------------(X|)       toResponse(): X { text: 'AB', finishReason: 'stop', … }
 * ```
 *
 * It obeys the marks. Errors pass through.
 *
 * @throws {ProviderError} (as the stream's error) of kind `truncated` when the source completes without a `finish`, and of
 * kind `malformed` when the arguments of a tool call are not JSON.
 *
 * @example
 * ```ts
 * provider.stream([{ role: 'user', content: 'Say hello' }]).pipe(toResponse()).subscribe(({ text, model }) => console.log(model, text));
 * // gpt-4o-mini Hello!
 * ```
 */
export function toResponse(): OperatorFunction<ChatChunk, ChatAnswer> {
  return labelled('toResponse', 'answer', (source) =>
    defer(() =>
      source.pipe(
        reduce((answer, chunk) => {
          answer.add(chunk);
          return answer;
        }, new Answer()),
        map(checked),
      ),
    ),
  );
}

function checked(answer: Answer): ChatAnswer {
  const { finish, speaker } = answer;
  const provider = finish?.provider ?? speaker ?? 'unknown';
  if (finish === undefined) {
    const message = 'The stream completed without a "finish" chunk: the answer is not whole.';
    throw new ProviderError(message, { kind: 'truncated', provider });
  }
  const flaw = answer.flawAt(finish);
  if (flaw === undefined) return answer.whole(finish);
  throw new ProviderError(`Provider "${provider}" ${flaw}`, { kind: 'malformed', provider, retryable: true });
}

function grown(text: string, chunk: ChatChunk): string {
  if (chunk.type === 'retract') return '';
  return chunk.type === 'text' ? text + chunk.text : text;
}
