import type { ChatMessage, ChatRequest, ChatTool } from '../../chat/provider.ts';
import type { Endpoint } from '../endpoint.ts';
import { argumentsOf } from '../tool-arguments.ts';

/** The body of a chat request. */
export interface ChatBody {
  readonly model: string;
  readonly messages: readonly object[];
  readonly stream: true;
  readonly [field: string]: unknown;
}

export function bodyOf(request: ChatRequest, model: string, endpoint: Endpoint): ChatBody {
  const { messages, temperature, maxTokens, tools, extra = {} } = request;
  const options = {
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { num_predict: maxTokens }),
    ...(extra.options as object | undefined),
  };
  return {
    model,
    messages: messages.map((message, position) => messageOf(message, messages.slice(0, position), endpoint)),
    stream: true,
    ...(tools !== undefined && { tools: tools.map(toolOf) }),
    ...extra,
    ...(Object.keys(options).length > 0 && { options }),
  };
}

function messageOf(message: ChatMessage, before: readonly ChatMessage[], endpoint: Endpoint): object {
  const { role, content } = message;
  if (role === 'tool') {
    const name = toolNameOf(message.toolCallId, before);
    return {
      role,
      content,
      tool_call_id: message.toolCallId,
      ...(name !== undefined && { tool_name: name }),
    };
  }
  if (role !== 'assistant' || message.toolCalls === undefined) return { role, content };
  const tool_calls = message.toolCalls.map((call) => ({
    id: call.id,
    function: { name: call.name, arguments: argumentsOf(call, endpoint) },
  }));
  return { role, content, tool_calls };
}

/** The latest call with this id: servers that give none get the same ones from us for every answer. */
function toolNameOf(id: string, before: readonly ChatMessage[]): string | undefined {
  return before
    .flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []))
    .findLast((call) => call.id === id)?.name;
}

function toolOf({ name, description, parameters }: ChatTool): object {
  return {
    type: 'function',
    function: { name, ...(description !== undefined && { description }), parameters },
  };
}
