import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  type Observable,
  Subject,
  takeUntil,
} from 'rxjs';
import type { ChatChunk } from '../../chat/chunk.ts';
import type { ChatContext } from '../../chat/provider.ts';
import { clockOf, type Timer } from '../../core/clock.ts';
import { fromAsyncIterable } from '../../interop/index.ts';
import { rateLimitReports } from '../../rate-limit/index.ts';
import type { Endpoint } from '../endpoint.ts';
import { PATIENCE } from '../http-stream.ts';
import { ModelAnswer } from './answer.ts';
import { failureOf, replyIn } from './failure.ts';
import type { LanguageModel, StreamPart } from './language-model.ts';

/** One call of a model, and the chunks of its answer. Unsubscribing aborts the model's signal. */
export function modelStream(
  model: LanguageModel,
  options: object,
  endpoint: Endpoint,
  context: ChatContext,
): Observable<ChatChunk> {
  const answer = new ModelAnswer(endpoint, model.modelId);
  const overdue = new Subject<void>();
  const close = (): void => overdue.next();
  let timer: Timer | undefined;

  const parts = fromAsyncIterable(async (abortSignal) => {
    const { stream, response } = await model.doStream({ ...options, abortSignal });
    answer.response = new Response(null, { headers: response?.headers ?? {} });
    context.limitsReported?.(rateLimitReports(answer.response.headers));
    context.headersReceived?.();
    return stream;
  });
  const chunks = parts.pipe(
    takeUntil(overdue),
    concatMap((part) => {
      // A part that says nothing to us is of another type.
      const said = answer.chunksOf(part as StreamPart);
      if (said.length === 0) context.keepAliveReceived?.();
      // A model may speak again after a finish, but a connection that stays open is not waited for.
      if (answer.finished) timer ??= clockOf(undefined).schedule(PATIENCE, close, { background: true });
      return said;
    }),
    catchError((error) => {
      if (answer.finished) return EMPTY;
      const reply = replyIn(error);
      if (reply !== undefined) context.limitsReported?.(rateLimitReports(reply.headers));
      throw failureOf(error, endpoint, model.modelId, answer.response);
    }),
  );
  return concat(
    chunks,
    defer(() => answer.end()),
  ).pipe(finalize(() => timer?.cancel()));
}
