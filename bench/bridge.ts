import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Observable } from 'rxjs';
import { type ChatChunk, EventBus, ResilientProvider } from '../src/index.ts';
import { instrument } from '../src/opentelemetry/index.ts';
import type { Contestant } from './measure.ts';

const TOKENS = 1_000_000;

const provider = {
  name: 'openai',
  stream: () =>
    new Observable<ChatChunk>((subscriber) => {
      const token: ChatChunk = { type: 'text', text: 'token' };
      for (let count = 0; count < TOKENS && !subscriber.closed; count++) subscriber.next(token);
      subscriber.next({ type: 'finish', reason: 'stop' });
      subscriber.complete();
    }),
};

function chat(name: string, events: EventBus): Contestant {
  const assistant = new ResilientProvider({
    provider,
    retry: 3,
    timeout: { first: 30_000, each: 30_000 },
    events,
  });
  return {
    name,
    run() {
      let received = 0;
      assistant.stream([{ role: 'user', content: 'Write.' }]).subscribe(() => received++);
      if (received !== TOKENS + 1) throw new Error(`${name} delivered ${received} of ${TOKENS} tokens`);
      return TOKENS;
    },
  };
}

const watched = new EventBus();
instrument({
  events: watched,
  tracerProvider: new BasicTracerProvider(),
  meterProvider: new MeterProvider(),
});

/** What a token of a chat pays for being watched: its call is, it is not. */
export const bridge = {
  off: chat('a chat', new EventBus()),
  on: chat('a chat with the bridge to OpenTelemetry', watched),
};
