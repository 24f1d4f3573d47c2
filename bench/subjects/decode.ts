import { type Ask, adapter, aiSdk, native, official, type Place, resilient } from '../clients.ts';
import { answerOf, frames } from '../frames.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

/** A service without a network: the answer is there at once, a frame in every piece of its body. */
function answering(words: number): Place {
  const pieces = frames(words).map((frame) => new TextEncoder().encode(frame));
  return {
    baseURL: 'http://localhost/v1',
    fetch: () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    },
  };
}

function decoding(name: string, words: number, client: (place: Place) => Ask): Contestant {
  const ask = client(answering(words));
  return timed(name, async () => {
    if ((await ask()) !== answerOf(words)) throw new Error(`${name} has read another answer`);
    return words;
  });
}

export const tables = [
  table({
    title: 'A frame of a chat answer',
    about:
      'An answer of 5 000 words as OpenAI streams it, a server-sent event each, all in memory: what is measured is reading, decoding, parsing and handing on.',
    unit: 'ns',
    contestants(short) {
      const words = short ? 50 : 5_000;
      return {
        native: decoding('native streams, eventsource-parser and JSON.parse', words, native),
        ours: decoding('openAICompatible', words, adapter),
        resilient: decoding('openAICompatible in a ResilientProvider with every policy', words, resilient),
        official: decoding('the client of OpenAI', words, official),
        aiSdk: decoding('AI SDK openai-compatible', words, aiSdk),
      };
    },
    comparisons: {
      'decode.vsNative': { of: 'ours', to: 'native' },
      'decode.vsOpenAI': { of: 'ours', to: 'official' },
      'decode.vsAiSdk': { of: 'ours', to: 'aiSdk' },
      'decode.policies': { of: 'resilient', to: 'ours' },
    },
  }),
];
