/** Whatever a model says, however it travels and wherever it breaks: an adapter gives all of it, or an error and a true beginning. */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { isProviderError } from '../../src/chat/errors.ts';
import { type Fault, startFaultServer } from '../support/fault-server.ts';
import { ADAPTERS } from './adapters.ts';

const faults: Fault[] = [];
const wall = await startFaultServer({ script: (_, { path }) => faults[Number(path.split('/')[1])] as Fault });
afterAll(() => wall.close());

const answers = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.array(fc.lorem({ maxCount: 1 }), { minLength: 1, maxLength: 9 }).map((words) => words.join(' ')),
);
const dresses = fc.record<Partial<Fault>>(
  {
    writes: fc.constantFrom('frame', 'halves', 'code-points', 'glued'),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    keepAlive: fc.constantFrom(
      { count: 2, every: 0, before: 'preamble' },
      { count: 2, every: 0, before: 'content' },
    ),
    emptyChoicesFirst: fc.constant(true),
  },
  { requiredKeys: [] },
);
const at = fc.oneof(fc.nat(9), fc.constantFrom('headers' as const, 'finish' as const, 'done' as const));
const breaks = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 5,
    arbitrary: fc.record({
      break: fc.oneof(
        fc.record({ at, how: fc.constantFrom('cut' as const, 'reset' as const, 'end' as const) }),
        fc.record({
          at,
          how: fc.constant('error' as const),
          error: fc.constant({ kind: 'overloaded' as const }),
        }),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ malformed: fc.record({ after: fc.nat(5) }) }) },
);

test.each(ADAPTERS)('$adapter', async ({ at: providerAt }) => {
  await fc.assert(
    fc.asyncProperty(answers, dresses, breaks, async (answer, dress, broken) => {
      const cell = faults.push({ name: 'any', answer, ...dress, ...broken }) - 1;
      const provider = providerAt(`${wall.url}/${cell}`, 'main');
      let text = '';
      let finished = false;
      const error = await new Promise<unknown>((resolve) => {
        provider.stream({ messages: [{ role: 'user', content: 'Hello' }] }, {}).subscribe({
          next(chunk) {
            if (chunk.type === 'text') text += chunk.text;
            if (chunk.type === 'finish') finished = true;
          },
          error: resolve,
          complete: () => resolve(undefined),
        });
      });
      if (error === undefined) expect({ text, finished }).toStrictEqual({ text: answer, finished: true });
      else {
        expect(error).toSatisfy(isProviderError);
        expect(answer.slice(0, text.length)).toBe(text);
        expect(broken).not.toStrictEqual({});
      }
    }),
    { numRuns: 20 },
  );
});
