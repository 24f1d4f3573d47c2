import { type Dialect, EPOCH_SECONDS, type Frame, type Turn } from '../dialect.ts';

const reply = ({ model }: Turn, fields: object) => ({
  model,
  created_at: new Date(EPOCH_SECONDS * 1_000).toISOString(),
  ...fields,
});

/** Durations in nanoseconds, as the service reports them. */
const totals = ({ finishReason, usage }: Turn) => ({
  done: true,
  done_reason: finishReason === 'length' ? 'length' : 'stop',
  total_duration: 1_500_000_000,
  load_duration: 500_000_000,
  prompt_eval_count: usage.input,
  prompt_eval_duration: 200_000_000,
  eval_count: usage.output,
  eval_duration: 800_000_000,
});

/** Ollama: one JSON object a line and no preamble; whole only with `done: true`. */
export const ollamaChat: Dialect = {
  name: 'ollama-chat',
  path: '/api/chat',
  framing: 'ndjson',
  contentType: 'application/x-ndjson',
  errors: {
    'rate-limit': { status: 429, message: 'too many requests' },
    quota: { status: 402, message: 'you have reached your usage limit' },
    overloaded: { status: 503, message: 'server busy, please try again.  maximum pending requests exceeded' },
    server: { status: 500, message: 'llama runner process has terminated: exit status 2' },
    auth: { status: 401, message: 'unauthorized' },
    invalid: { status: 400, message: 'invalid request' },
    'context-length': { status: 400, message: 'the input length exceeds the context length' },
    'content-filter': { status: 400, message: 'request rejected by content policy' },
  },
  headers: () => ({}),
  errorBody: ({ message }) => ({ error: message }),
  whole: (turn) => reply(turn, { message: { role: 'assistant', content: turn.answer }, ...totals(turn) }),

  encoder(turn) {
    const line = (fields: object): Frame => ({ data: JSON.stringify(fields) });
    const chunk = (message: object): Frame =>
      line(reply(turn, { message: { role: 'assistant', content: '', ...message }, done: false }));

    return {
      prelude: () => [],
      preamble: () => [],
      reasoning: (thinking) => [chunk({ thinking })],
      text: (content) => [chunk({ content })],
      finish: () => [],
      usage: () => [],
      terminal: () => [line(reply(turn, { message: { role: 'assistant', content: '' }, ...totals(turn) }))],
      error: ({ message, status, shape }) => [
        line({ error: message, ...(shape === 'status' && { status }) }),
      ],
      // It has no pings; an empty piece of message is its nearest sign of life.
      ping: () => chunk({}),
    };
  },
};
