import type { ChatMessage, ChatRequest, ChatTool } from '../../chat/provider.ts';

/** The body of a Responses request. */
export function responsesBodyOf(request: ChatRequest, model: string): Readonly<Record<string, unknown>> {
  const { messages, temperature, maxTokens, tools, extra } = request;
  return {
    model,
    input: messages.flatMap(itemsOf),
    stream: true,
    temperature,
    max_output_tokens: maxTokens,
    tools: tools?.map(toolOf),
    ...extra,
  };
}

function itemsOf(message: ChatMessage): object[] {
  const { role, content } = message;
  if (role === 'tool')
    return [{ type: 'function_call_output', call_id: message.toolCallId, output: content }];
  const calls = role === 'assistant' ? (message.toolCalls ?? []) : [];
  return [
    // The protocol has no empty messages: a turn may consist of calls alone.
    ...(content === '' && calls.length > 0 ? [] : [{ role, content }]),
    ...calls.map(({ id, name, arguments: text }) => ({
      type: 'function_call',
      call_id: id,
      name,
      arguments: text,
    })),
  ];
}

/** Here, other than in Chat Completions, a schema is taken for a strict one unless the request says that it is not. */
function toolOf({ name, description, parameters }: ChatTool): object {
  return { type: 'function', name, description, parameters, strict: false };
}
