import type { Answer } from './answer.ts';
import type { ChatMessage, ChatProvider, ChatRequest } from './provider.ts';
import { isRecognizable } from './seam.ts';

/** How a provider is asked for the rest of an answer. */
export interface Continuation {
  /** `resume`: the provider takes up its own stream, and repeats nothing. `prefill` and `ask`: the model goes on. */
  readonly by: 'resume' | 'prefill' | 'ask';
  readonly request: ChatRequest;
  /** Where the provider takes up its own stream. */
  readonly resume?: string;
}

/**
 * How to ask `provider` for the rest of an answer; `undefined` where it has to begin anew.
 *
 * Best is the provider's own stream, taken up where it broke: it is the same answer, whatever it holds. Else the model is
 * asked to go on, with what it said as the beginning of its message or, where it cannot do that, with a word about it. That
 * works for text alone: half a tool call, half a thought and half a JSON document cannot be put together with what a model
 * says next, and of a text that is too short nobody could tell whether the model repeats it.
 */
export function continuationOf(
  request: ChatRequest,
  answer: Answer,
  { capabilities = {} }: ChatProvider,
  token: string | undefined,
): Continuation | undefined {
  if (token !== undefined && capabilities.resume) return { by: 'resume', request, resume: token };
  const { text, reasoning, toolCalls } = answer;
  const plain = reasoning === '' && toolCalls.length === 0 && !isStructured(request);
  if (!plain || !isRecognizable(text)) return undefined;
  const messages = withPartial(request.messages, text.trimEnd());
  if (capabilities.prefill) return { by: 'prefill', request: { ...request, messages } };
  const asked: ChatMessage[] = [...messages, { role: 'user', content: requestToGoOn(text) }];
  return { by: 'ask', request: { ...request, messages: asked } };
}

/** What was said, as a message of its own, or behind the beginning that the caller had given. */
function withPartial(messages: readonly ChatMessage[], text: string): ChatMessage[] {
  const last = messages.at(-1);
  return last?.role === 'assistant'
    ? [...messages.slice(0, -1), { ...last, content: last.content + text }]
    : [...messages, { role: 'assistant', content: text }];
}

/** As much as a model needs to find the place again. */
const LONGEST_QUOTE = 200;

function requestToGoOn(text: string): string {
  const end = text.trimEnd().slice(-LONGEST_QUOTE);
  return `Your previous response was interrupted and ended with ${JSON.stringify(end)}. Continue from where you left off.`;
}

/** Whether the answer has to be of some form, such as JSON, by any of the names that the providers have for it. */
function isStructured({ extra = {} }: ChatRequest): boolean {
  const { response_format, responseFormat, format, output_format, text, output_config } = extra;
  const forms = [response_format, responseFormat, format, output_format, formIn(text), formIn(output_config)];
  return forms.some((form) => form !== undefined && form !== null && form !== '' && typeOf(form) !== 'text');
}

const formIn = (config: unknown): unknown => (config as { format?: unknown } | null | undefined)?.format;
const typeOf = (form: unknown): unknown =>
  typeof form === 'object' ? (form as { type?: unknown }).type : form;
