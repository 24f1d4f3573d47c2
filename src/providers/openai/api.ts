import type { ChatContext, ChatRequest } from '../../chat/provider.ts';
import type { DecoderOptions } from '../event-decoder.ts';
import type { Service } from '../http-service.ts';
import type { Decoder, Send } from '../http-stream.ts';
import { CompletionDecoder } from '../openai-compatible/decoder.ts';
import { bodyOf } from '../openai-compatible/request.ts';
import { checkpointFrom } from './checkpoint.ts';
import { ResponsesDecoder } from './responses-decoder.ts';
import { responsesBodyOf } from './responses-request.ts';

/** One conversation with one of OpenAI's APIs. */
interface Turn {
  send(service: Service): Send;
  decoder(options: DecoderOptions): Decoder;
}

export interface OpenAIApi {
  readonly path: string;
  /** Whether an answer that broke off can be read on. */
  readonly resume: boolean;
  turn(request: ChatRequest, model: string, context: ChatContext): Turn;
}

const chat: OpenAIApi = {
  path: '/chat/completions',
  resume: false,
  turn(request, model) {
    const { maxTokens, extra, ...rest } = request;
    // The successor of `max_tokens`, and the only name that the reasoning models accept.
    const renamed = { ...rest, extra: { max_completion_tokens: maxTokens, ...extra } };
    return {
      send: (service) => service.post(bodyOf(renamed, model, true)),
      decoder: (options) => new CompletionDecoder(options),
    };
  },
};

const responses: OpenAIApi = {
  path: '/responses',
  resume: true,
  turn(request, model, { resume, checkpoint }) {
    const from = resume === undefined ? undefined : checkpointFrom(resume);
    const body = responsesBodyOf(request, model);
    return {
      send: (service) =>
        from === undefined
          ? service.post(body)
          : service.get(`/${from.id}`, { stream: 'true', starting_after: String(from.after) }),
      decoder: (options) =>
        new ResponsesDecoder({
          ...options,
          from,
          // Other responses are not kept on their side, so there is nothing to read on from.
          checkpoint: body.background === true ? (place) => checkpoint?.(JSON.stringify(place)) : undefined,
        }),
    };
  },
};

export const OPENAI_APIS = { chat, responses };
