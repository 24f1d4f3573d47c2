import { parseJson } from '../endpoint.ts';
import { EventStream } from '../server-sent-events.ts';

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` for the providers of the AI SDK that loses nothing at the end of a stream.
 *
 * Some models of the SDK drop the last event when no blank line ends it, and some tell of the finish only when the
 * connection ends well, although the service has said its last word before. Then a whole answer looks like one that broke
 * off, and is asked for again. With this `fetch` the last event is ended where it is whole, and a connection that is lost
 * behind the last word of the protocol has ended well. All else stays as it is.
 *
 * @param fetch what sends the requests. @default the global one
 *
 * @example
 * ```ts
 * const openai = createOpenAI({ fetch: wholeEvents() });
 * const assistant = new ResilientProvider({ provider: aiSdk(openai.responses('gpt-5')), retry: 2 });
 * ```
 */
export function wholeEvents(fetch: Fetch = (...request) => globalThis.fetch(...request)): Fetch {
  return async (...request) => {
    const response = await fetch(...request);
    const { body, headers, status, statusText } = response;
    if (body === null || !headers.get('content-type')?.startsWith('text/event-stream')) return response;
    return new Response(streamOf(body), { headers, status, statusText });
  };
}

function streamOf(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const text = new TextDecoder();
  let last = '';
  const events = new EventStream({
    event: ({ data }) => {
      last = data;
    },
    stray() {},
    endless() {},
  });

  return new ReadableStream({
    async pull(controller) {
      try {
        const { value } = await reader.read();
        if (value !== undefined) {
          events.feed(text.decode(value, { stream: true }));
          return controller.enqueue(value);
        }
      } catch (error) {
        if (!isLastWord(last)) throw error;
      }
      last = '';
      events.end();
      // An event that was torn stays torn: it would be taken for one that nobody understands.
      if (isWhole(last)) controller.enqueue(new TextEncoder().encode('\n\n'));
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

const DONE = '[DONE]';
const LAST_WORDS: ReadonlySet<unknown> = new Set([
  'message_stop',
  'response.completed',
  'response.incomplete',
]);

const isWhole = (data: string): boolean => data === DONE || parseJson(data) !== undefined;
const isLastWord = (data: string): boolean =>
  data === DONE || LAST_WORDS.has((parseJson(data) as { type?: unknown } | null | undefined)?.type);
