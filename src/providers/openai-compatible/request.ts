import type { ChatMessage, ChatRequest, ChatTool } from '../../chat/provider.ts';

/** The body of a Chat Completions request. An empty list is left out: OpenAI refuses a request that holds one. */
export function bodyOf(request: ChatRequest, model: string, usage: boolean): object {
  const { messages, temperature, maxTokens, tools, extra } = request;
  return {
    model,
    messages: messages.map(messageOf),
    stream: true,
    ...(usage && { stream_options: { include_usage: true } }),
    temperature,
    max_tokens: maxTokens,
    tools: tools?.length ? tools.map(toolOf) : undefined,
    ...extra,
  };
}

function messageOf(message: ChatMessage): object {
  const { role, content } = message;
  if (role === 'tool') return { role, content, tool_call_id: message.toolCallId };
  if (role !== 'assistant' || !message.toolCalls?.length) return { role, content };
  const tool_calls = message.toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }));
  return { role, content, tool_calls };
}

function toolOf({ name, description, parameters }: ChatTool): object {
  return { type: 'function', function: { name, description, parameters } };
}
