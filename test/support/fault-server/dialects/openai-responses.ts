import { type Dialect, EPOCH_SECONDS, type Frame, type Turn } from '../dialect.ts';
import { openaiErrors } from './openai-errors.ts';

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [] });
const summaryPart = (text: string) => ({ type: 'summary_text', text });

const messageItem = ({ id }: Turn, text?: string) => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  status: text === undefined ? 'in_progress' : 'completed',
  content: text === undefined ? [] : [textPart(text)],
});
const reasoningItem = ({ id }: Turn, text?: string) => ({
  id: `rs_${id}`,
  type: 'reasoning',
  summary: text === undefined ? [] : [summaryPart(text)],
});

const snapshot = (turn: Turn, status: string, fields: object = {}) => ({
  id: `resp_${turn.id}`,
  object: 'response',
  created_at: EPOCH_SECONDS,
  status,
  model: turn.model,
  error: null,
  incomplete_details: null,
  output: [],
  usage: null,
  ...fields,
});

/** The response as it stands at its end, with everything that was said in it. */
function ended(turn: Turn) {
  const { answer, finishReason, reasoning, usage } = turn;
  return snapshot(turn, finishReason === 'stop' ? 'completed' : 'incomplete', {
    ...(finishReason === 'length' && { incomplete_details: { reason: 'max_output_tokens' } }),
    ...(finishReason === 'content-filter' && { incomplete_details: { reason: 'content_filter' } }),
    output: [...(reasoning === undefined ? [] : [reasoningItem(turn, reasoning)]), messageItem(turn, answer)],
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.input + usage.output,
    },
  });
}

/** OpenAI Responses: named, numbered events; whole only with `response.completed`, `.incomplete` or `.failed`. */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
  path: '/responses',
  framing: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  errors: openaiErrors,
  headers: ({ id }) => ({ 'x-request-id': `req_${id}` }),
  errorBody: ({ message, type, param, code }) => ({ error: { message, type, param, code } }),
  whole: ended,

  encoder(turn) {
    const { answer, reasoning, startingAfter = -1 } = turn;
    let sequence = 0;
    let speaking = false;
    const event = (type: string, fields: object): Frame[] => {
      const sequence_number = sequence++;
      const data = JSON.stringify({ type, sequence_number, ...fields });
      return sequence_number > startingAfter ? [{ event: type, data }] : [];
    };
    const thought = { item_id: `rs_${turn.id}`, output_index: 0, summary_index: 0 };
    const output_index = reasoning === undefined ? 0 : 1;
    const speech = { item_id: `msg_${turn.id}`, output_index, content_index: 0 };

    const startThinking = () => [
      ...event('response.output_item.added', { output_index: 0, item: reasoningItem(turn) }),
      ...event('response.reasoning_summary_part.added', { ...thought, part: summaryPart('') }),
    ];
    const stopThinking = (text: string) => [
      ...event('response.reasoning_summary_text.done', { ...thought, text }),
      ...event('response.reasoning_summary_part.done', { ...thought, part: summaryPart(text) }),
      ...event('response.output_item.done', { output_index: 0, item: reasoningItem(turn, text) }),
    ];
    /** Opens the message, once, and closes the reasoning before it. */
    const startSpeaking = () => {
      if (speaking) return [];
      speaking = true;
      return [
        ...(reasoning === undefined ? [] : stopThinking(reasoning)),
        ...event('response.output_item.added', { output_index, item: messageItem(turn) }),
        ...event('response.content_part.added', { ...speech, part: textPart('') }),
      ];
    };

    return {
      prelude: () => [],
      preamble: () => [
        ...event('response.created', { response: snapshot(turn, 'in_progress') }),
        ...event('response.in_progress', { response: snapshot(turn, 'in_progress') }),
        ...(reasoning === undefined ? startSpeaking() : startThinking()),
      ],
      reasoning: (delta) => event('response.reasoning_summary_text.delta', { ...thought, delta }),
      text: (delta) => [
        ...startSpeaking(),
        ...event('response.output_text.delta', { ...speech, delta, logprobs: [] }),
      ],
      finish: () => [
        ...startSpeaking(),
        ...event('response.output_text.done', { ...speech, text: answer, logprobs: [] }),
        ...event('response.content_part.done', { ...speech, part: textPart(answer) }),
        ...event('response.output_item.done', { output_index, item: messageItem(turn, answer) }),
      ],
      usage: () => [],
      terminal: () => [
        ...event(turn.finishReason === 'stop' ? 'response.completed' : 'response.incomplete', {
          response: ended(turn),
        }),
      ],
      ping: () => ({ comment: 'keep-alive' }),
      error({ type, code, message, param, shape, headers }) {
        switch (shape) {
          case 'failed':
            return event('response.failed', {
              response: snapshot(turn, 'failed', { error: { code, message } }),
            });
          case 'flat':
            return event('error', { code, message, param });
          default:
            return event('error', { error: { type, code, message, param, ...(headers && { headers }) } });
        }
      },
    };
  },
};
