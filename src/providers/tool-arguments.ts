import type { ToolCall } from '../chat/provider.ts';
import type { Endpoint } from './endpoint.ts';
import { Quote, sentence } from './sentence.ts';

/**
 * The arguments of a tool call for protocols that want them as an object and not as text.
 *
 * @throws {ProviderError} of kind `invalid` when they are no JSON object.
 */
export function argumentsOf({ name, arguments: text }: ToolCall, endpoint: Endpoint): object {
  // What models write for a tool without parameters.
  if (text.trim() === '') return {};
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw endpoint.error(
    'invalid',
    sentence`was not asked: the conversation holds a call of the tool "${name}" whose arguments are no JSON object: ${new Quote(text)} Leave this call out, or repair it.`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
