import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Observable } from 'rxjs';
import { type ChatChunk, type ChatProvider, EventBus, ResilientProvider } from '../../src/index.ts';
import { instrument } from '../../src/opentelemetry/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

const messages = [{ role: 'user', content: 'Write.' }] as const;

function speaking(tokens: number): ChatProvider {
  return {
    name: 'openai',
    stream: () =>
      new Observable<ChatChunk>((subscriber) => {
        const token: ChatChunk = { type: 'text', text: 'token' };
        for (let count = 0; count < tokens && !subscriber.closed; count++) subscriber.next(token);
        subscriber.next({ type: 'finish', reason: 'stop' });
        subscriber.complete();
      }),
  };
}

function chat(name: string, tokens: number, events: EventBus): Contestant {
  const provider = speaking(tokens);
  const assistant = new ResilientProvider({
    provider,
    retry: 3,
    timeout: { first: 30_000, each: 30_000 },
    events,
  });
  return reading(name, tokens, () => assistant.stream(messages));
}

function reading(name: string, tokens: number, answer: () => Observable<ChatChunk>): Contestant {
  return timed(name, () => {
    let [texts, finished] = [0, false];
    answer().subscribe(({ type }) => {
      if (type === 'text') texts++;
      else finished = true;
    });
    if (texts !== tokens || !finished) throw new Error(`${name} delivered ${texts} of ${tokens} tokens`);
    return tokens;
  });
}

function watched(): EventBus {
  const events = new EventBus();
  instrument({ events, tracerProvider: new BasicTracerProvider(), meterProvider: new MeterProvider() });
  return events;
}

export const tables = [
  table({
    title: 'A token of a chat',
    about:
      'A provider says 1 000 000 tokens in one turn, through a ResilientProvider with retries and clocks. Watched by the bridge to OpenTelemetry, with the real SDK, a call has a span and metrics.',
    unit: 'ns',
    contestants(short) {
      const tokens = short ? 100 : 1_000_000;
      const provider = speaking(tokens);
      return {
        bare: reading('the provider alone', tokens, () => provider.stream({ messages })),
        off: chat('ResilientProvider', tokens, new EventBus()),
        on: chat('ResilientProvider, watched', tokens, watched()),
      };
    },
    comparisons: {
      'chat.vsProvider': { of: 'off', above: 'bare' },
      'perToken.bridgeOnVsOff': { of: 'on', to: 'off' },
    },
  }),
];
