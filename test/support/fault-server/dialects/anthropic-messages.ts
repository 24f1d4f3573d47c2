import type { Dialect, Frame, Turn, WireError } from '../dialect.ts';

const STOP_REASON = { stop: 'end_turn', length: 'max_tokens', 'content-filter': 'refusal' } as const;

const event = (type: string, fields: object = {}): Frame => ({
  event: type,
  data: JSON.stringify({ type, ...fields }),
});

const errorBody = ({ type, message }: WireError, { id }: Turn) => ({
  type: 'error',
  error: { type, message },
  request_id: `req_${id}`,
});

const message = ({ id, model, usage }: Turn, fields: object) => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: usage.input, output_tokens: 1 },
  ...fields,
});

/** Anthropic Messages: named events, content in blocks, whole only with `message_stop`. */
export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  path: '/messages',
  framing: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  errors: {
    'rate-limit': {
      status: 429,
      type: 'rate_limit_error',
      message: 'This request would exceed the rate limit for your organization.',
    },
    quota: {
      status: 402,
      type: 'billing_error',
      message: 'Your credit balance is too low to access the API.',
    },
    overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
    server: { status: 500, type: 'api_error', message: 'Internal server error' },
    auth: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    invalid: { status: 400, type: 'invalid_request_error', message: 'Invalid request.' },
    'context-length': {
      status: 400,
      type: 'invalid_request_error',
      message: 'prompt is too long: 200123 tokens > 200000 maximum',
    },
    'content-filter': {
      status: 400,
      type: 'invalid_request_error',
      message: 'Output blocked by content filtering policy',
    },
  },
  headers: ({ id }) => ({ 'request-id': `req_${id}` }),
  errorBody,

  whole: (turn) =>
    message(turn, {
      content: [
        ...(turn.reasoning === undefined
          ? []
          : [{ type: 'thinking', thinking: turn.reasoning, signature: 'c2ln' }]),
        { type: 'text', text: turn.answer, citations: null },
      ],
      stop_reason: STOP_REASON[turn.finishReason],
      usage: { input_tokens: turn.usage.input, output_tokens: turn.usage.output },
    }),

  encoder(turn) {
    let index = -1;
    let speaking = false;
    const start = (content_block: object) => event('content_block_start', { index: ++index, content_block });
    const delta = (fields: object) => event('content_block_delta', { index, delta: fields });
    /** Opens the text block, once, and closes the thinking block before it. */
    const startSpeaking = () => {
      if (speaking) return [];
      speaking = true;
      const thinking = turn.reasoning !== undefined;
      return [
        ...(thinking ? [delta({ type: 'signature_delta', signature: 'c2ln' })] : []),
        ...(thinking ? [event('content_block_stop', { index })] : []),
        start({ type: 'text', text: '' }),
      ];
    };

    return {
      prelude: () => [],
      preamble: () => [
        event('message_start', { message: message(turn, {}) }),
        ...(turn.reasoning === undefined
          ? startSpeaking()
          : [start({ type: 'thinking', thinking: '', signature: '' })]),
      ],
      reasoning: (thinking) => [delta({ type: 'thinking_delta', thinking })],
      text: (text) => [...startSpeaking(), delta({ type: 'text_delta', text })],
      finish: () => [
        ...startSpeaking(),
        event('content_block_stop', { index }),
        event('message_delta', {
          delta: { stop_reason: STOP_REASON[turn.finishReason], stop_sequence: null },
          usage: { output_tokens: turn.usage.output },
        }),
      ],
      usage: () => [],
      terminal: () => [event('message_stop')],
      error: (error) => [{ event: 'error', data: JSON.stringify(errorBody(error, turn)) }],
      ping: () => event('ping'),
    };
  },
};
