import type { ChatMessage, ChatRequest, ChatTool } from '../../chat/provider.ts';
import type { Endpoint } from '../endpoint.ts';
import { argumentsOf } from '../tool-arguments.ts';

/** The body of a Messages request. */
export interface MessagesBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly Turn[];
  readonly stream: true;
  readonly [field: string]: unknown;
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly object[];
}

export function bodyOf(
  request: ChatRequest,
  model: string,
  maxTokens: number,
  endpoint: Endpoint,
): MessagesBody {
  const { messages, temperature, tools, extra } = request;
  const system = messages.flatMap(({ role, content }) => (role === 'system' ? [content] : [])).join('\n\n');
  return {
    model,
    max_tokens: request.maxTokens ?? maxTokens,
    ...(system !== '' && { system }),
    messages: turnsOf(messages, endpoint),
    stream: true,
    ...(temperature !== undefined && { temperature }),
    ...(tools !== undefined && { tools: tools.map(toolOf) }),
    ...extra,
  };
}

function turnsOf(messages: readonly ChatMessage[], endpoint: Endpoint): Turn[] {
  const turns: Turn[] = [];
  let results: object[] | undefined;
  for (const [position, message] of messages.entries()) {
    if (message.role === 'system') continue;
    if (message.role === 'tool') {
      // The results of all the calls of one turn have to come in one turn.
      if (results === undefined) {
        results = [];
        turns.push({ role: 'user', content: results });
      }
      results.push({ type: 'tool_result', tool_use_id: message.toolCallId, content: message.content });
      continue;
    }
    results = undefined;
    const turn = turnOf(message, position === messages.length - 1, endpoint);
    if (turn !== undefined) turns.push(turn);
  }
  return turns;
}

function turnOf(
  message: Exclude<ChatMessage, { role: 'tool' }>,
  last: boolean,
  endpoint: Endpoint,
): Turn | undefined {
  if (message.role !== 'assistant') return { role: 'user', content: message.content };
  const { toolCalls = [] } = message;
  // A partial answer that ends in white space is refused, and so is an empty one.
  const content = last ? message.content.trimEnd() : message.content;
  if (toolCalls.length === 0) return content === '' ? undefined : { role: 'assistant', content };
  return {
    role: 'assistant',
    content: [
      ...(content === '' ? [] : [{ type: 'text', text: content }]),
      ...toolCalls.map((call) => ({
        type: 'tool_use',
        id: call.id,
        name: call.name,
        input: argumentsOf(call, endpoint),
      })),
    ],
  };
}

function toolOf({ name, description, parameters }: ChatTool): object {
  return { name, ...(description !== undefined && { description }), input_schema: parameters };
}
