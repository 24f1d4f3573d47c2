import { of } from 'rxjs';
import type { ChatChunk } from './chunk.ts';
import type { ChatProvider } from './provider.ts';

/**
 * A provider that always gives the same answer, at once: the last of the fallbacks, who cannot fail.
 *
 * ```
 * openai         --#
 * ollama            -#
 *                   fallbackProviders: [ollama, staticAnswer('…')]
 * result         ----(SAF|)                S switch, A the answer, F finish
 * ```
 *
 * @param text the answer.
 * @param name what it is called in marks, events and the response. @default 'static answer'
 *
 * @example
 * ```ts
 * const assistant = new ResilientProvider({
 *   provider: openai,
 *   fallbackProviders: [ollama, staticAnswer('I cannot answer now. Please try again later.')],
 * });
 * ```
 */
export function staticAnswer(text: string, name = 'static answer'): ChatProvider {
  const answer: ChatChunk[] = [
    { type: 'text', text },
    { type: 'finish', reason: 'stop', provider: name },
  ];
  return { name, stream: () => of(...answer) };
}
