import { type Dialect, EPOCH_SECONDS, type Frame, type Turn } from '../dialect.ts';
import { openaiErrors } from './openai-errors.ts';

const FINISH_REASON = { stop: 'stop', length: 'length', 'content-filter': 'content_filter' } as const;

function usageOf({ usage: { input, output } }: Turn): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

/** OpenAI Chat Completions, and all who copy it: `data:` frames without a name, ended by `[DONE]`. */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  path: '/chat/completions',
  framing: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  errors: openaiErrors,
  headers: ({ id }) => ({ 'x-request-id': `req_${id}` }),
  errorBody: ({ message, type, param, code }) => ({ error: { message, type, param, code } }),

  whole: (turn) => ({
    id: `chatcmpl-${turn.id}`,
    object: 'chat.completion',
    created: EPOCH_SECONDS,
    model: turn.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: turn.answer, refusal: null },
        finish_reason: FINISH_REASON[turn.finishReason],
      },
    ],
    usage: usageOf(turn),
  }),

  encoder(turn) {
    const frame = (fields: object): Frame => ({
      data: JSON.stringify({
        id: `chatcmpl-${turn.id}`,
        object: 'chat.completion.chunk',
        created: EPOCH_SECONDS,
        model: turn.model,
        ...fields,
        ...(turn.usageAsked && !('usage' in fields) && { usage: null }),
      }),
    });
    const chunk = (delta: object, finish_reason: string | null = null): Frame =>
      frame({ choices: [{ index: 0, delta, finish_reason }] });

    return {
      prelude: () => [
        frame({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }),
      ],
      preamble: () => [chunk({ role: 'assistant', content: '', refusal: null })],
      reasoning: (delta) => [chunk({ reasoning_content: delta })],
      text: (delta) => [chunk({ content: delta })],
      finish: () => [chunk({}, FINISH_REASON[turn.finishReason])],
      usage: () => (turn.usageAsked ? [frame({ choices: [], usage: usageOf(turn) })] : []),
      terminal: () => [{ data: '[DONE]' }],
      ping: () => ({ comment: 'OPENROUTER PROCESSING' }),
      error({ message, type, param, code, status, shape }) {
        const data = JSON.stringify({ error: { message, type, param, code } });
        switch (shape) {
          case 'event':
            return [{ event: 'error', data }];
          case 'vllm':
            return [{ data: JSON.stringify({ object: 'error', message, type, param, code: status }) }];
          case 'openrouter':
            return [
              frame({
                provider: 'OpenAI',
                error: { code: status, message, metadata: { provider_name: 'OpenAI', error_type: type } },
                choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'error' }],
              }),
            ];
          default:
            return [{ data }];
        }
      },
    };
  },
};
