import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { concat, delay, ignoreElements, type Observable, of, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type ChatChunk, ProviderError, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { instrument } from '../../src/opentelemetry/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';

const fails = (after: number, kind: 'overloaded' | 'transport'): Observable<never> =>
  concat(
    timer(after).pipe(ignoreElements()),
    throwError(() => new ProviderError('The service is down.', { kind, provider: 'openai' })),
  );
const says = (...chunks: [after: number, ChatChunk][]): Observable<ChatChunk> =>
  concat(...chunks.map(([after, chunk]) => of(chunk).pipe(delay(after))));

const usage = { inputTokens: 21, outputTokens: 64, totalTokens: 85 };
const OPENAI = [
  fails(400, 'overloaded'),
  concat(says([500, { type: 'text', text: 'The quick brown' }]), fails(300, 'transport')),
];
const OLLAMA = says(
  [450, { type: 'text', text: 'The quick brown fox jumps over the lazy dog.' }],
  [1_100, { type: 'usage', usage }],
  [0, { type: 'finish', reason: 'stop', model: 'llama3.2' }],
);

/** The spans of one call that has some trouble, as the SDK of OpenTelemetry has finished them. */
export function troubledCall(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const processor = new SimpleSpanProcessor(exporter);
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
  const events = new EventBus();
  const bridge = instrument({ events, tracerProvider });
  const attempts = OPENAI[Symbol.iterator]();
  const assistant = new ResilientProvider({
    name: 'assistant',
    provider: { name: 'openai', model: 'gpt-4o-mini', stream: () => attempts.next().value ?? OLLAMA },
    fallbackProvider: { name: 'ollama', model: 'llama3.2', stream: () => OLLAMA },
    retry: { maxRetries: 1, backoff: fixedBackoff(500) },
    recovery: 'restart',
    events,
  });
  new TestScheduler(() => {}).run(() => {
    assistant.stream([{ role: 'user', content: 'Write about a fox.' }]).subscribe();
  });
  bridge.unsubscribe();
  return exporter.getFinishedSpans();
}
