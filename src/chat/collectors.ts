import {
  defer,
  distinctUntilChanged,
  map,
  type Observable,
  type OperatorFunction,
  skip,
  startWith,
  takeLast,
  tap,
} from 'rxjs';
import { labelled } from '../core/label.ts';
import { Answer, type ChatAnswer } from './answer.ts';
import type { ChatChunk } from './chunk.ts';
import { ProviderError } from './errors.ts';

/**
 * The text of the answer, once it is whole.
 *
 * ```
 * source   ^--A--B--R--A--B--C--F|          R is a retract mark, F the finish
 * result   ----------------------(X|)       text(): X "ABC"
 * ```
 *
 * What a `retract` takes back is not in it. An error passes through, and then there is no text: an answer that broke off
 * is in the `text` of the `StreamInterruptedError`.
 *
 * @throws {ProviderError} (as the stream's error) of kind `truncated` when the source completes without a `finish`, and of
 * kind `malformed` when the arguments of a tool call are not JSON.
 *
 * @example
 * ```ts
 * provider.stream([{ role: 'user', content: 'Say hello' }]).pipe(text()).subscribe(console.log);
 * // Hello!
 * ```
 */
export function text(): OperatorFunction<ChatChunk, string> {
  return labelled('text', 'answer', (source) =>
    growing(source).pipe(
      takeLast(1),
      map((answer) => answer.text),
    ),
  );
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
 * @throws {ProviderError} (as the stream's error) of kind `truncated` when the source completes without a `finish`, and of
 * kind `malformed` when the arguments of a tool call are not JSON.
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
    growing(source).pipe(
      map((answer) => answer.text),
      startWith(''),
      distinctUntilChanged(),
      skip(1),
    ),
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
  return labelled('toResponse', 'answer', (source) => growing(source).pipe(takeLast(1), map(checked)));
}

/** The answer after every chunk. Nothing that is not whole completes. */
function growing(source: Observable<ChatChunk>): Observable<Answer> {
  return defer(() => {
    const answer = new Answer();
    const grown = (chunk: ChatChunk): Answer => {
      answer.add(chunk);
      return answer;
    };
    return source.pipe(map(grown), tap({ complete: () => checked(answer) }));
  });
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
