const chunk = (choice: object) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_764_115_200,
    model: 'a-model',
    choices: [{ index: 0, finish_reason: null, delta: {}, ...choice }],
  })}\n\n`;

/** An answer of so many words as OpenAI streams it, one frame each, and the end of it. */
export function frames(words: number): string[] {
  return [
    chunk({ delta: { role: 'assistant', content: '' } }),
    ...Array.from({ length: words }, () => chunk({ delta: { content: ' word' } })),
    chunk({ finish_reason: 'stop' }),
    'data: [DONE]\n\n',
  ];
}

/** What the frames say. */
export const answerOf = (words: number): string => ' word'.repeat(words);
