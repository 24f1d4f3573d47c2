import type { ChatMessage, ChatRequest, ChatTool, ToolCall } from '../../chat/provider.ts';
import type { Endpoint } from '../endpoint.ts';
import { argumentsOf } from '../tool-arguments.ts';

/** What a model is called with, the signal aside. */
export function callOptionsOf(request: ChatRequest, endpoint: Endpoint): object {
  const { messages, temperature, maxTokens, tools, extra } = request;
  return {
    prompt: promptOf(messages, endpoint),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(tools !== undefined && { tools: tools.map(toolOf) }),
    ...extra,
  };
}

function promptOf(messages: readonly ChatMessage[], endpoint: Endpoint): object[] {
  const calls = messages.flatMap((message) =>
    message.role === 'assistant' ? (message.toolCalls ?? []) : [],
  );
  return messages.map((message) => {
    const { role, content } = message;
    switch (role) {
      case 'system':
        return { role, content };
      case 'user':
        return { role, content: [textPart(content)] };
      case 'assistant':
        return { role, content: [...spoken(content), ...(message.toolCalls ?? []).map(callPart)] };
      default:
        return { role, content: [resultPart(message)] };
    }
  });

  function callPart(call: ToolCall): object {
    const input = argumentsOf(call, endpoint);
    return { type: 'tool-call', toolCallId: call.id, toolName: call.name, input };
  }

  function resultPart({ toolCallId, content: value }: Extract<ChatMessage, { role: 'tool' }>): object {
    // Some models want the name again.
    const toolName = calls.find(({ id }) => id === toolCallId)?.name ?? '';
    return { type: 'tool-result', toolCallId, toolName, output: { type: 'text', value } };
  }
}

const textPart = (text: string): object => ({ type: 'text', text });

const spoken = (text: string): object[] => (text === '' ? [] : [textPart(text)]);

function toolOf({ name, description, parameters }: ChatTool): object {
  return {
    type: 'function',
    name,
    ...(description !== undefined && { description }),
    inputSchema: parameters,
  };
}
