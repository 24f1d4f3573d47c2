import { type Contestant, timed } from '../measure.ts';
import { type Call, type Guard, guards } from '../peers.ts';
import { table } from '../table.ts';

const bare: Guard = { name: 'the call itself', around: (call) => call };

function calling({ name, around }: Guard, calls: number): Contestant {
  const guarded: Call = around(() => Promise.resolve('answer'));
  return timed(name, async () => {
    for (let index = 0; index < calls; index++) {
      if ((await guarded()) !== 'answer') throw new Error(`${name} gave another answer`);
    }
    return calls;
  });
}

export const tables = [
  table({
    title: 'A call',
    about:
      'A promise that is resolved already goes through everything and comes out as a promise, 10 000 times one after the other. Nothing is refused and nothing fails; each row names what it has, and none of the others has all six.',
    unit: 'ns',
    contestants(short) {
      const entries = Object.entries({ bare, ...guards });
      return Object.fromEntries(
        entries.map(([key, guard]) => [key, calling(guard, short ? 20 : 10_000)]),
      ) as Record<'bare' | keyof typeof guards, Contestant>;
    },
    comparisons: {
      'perCall.vsCockatiel': { of: 'ours', to: 'cockatiel', atMost: 0.35 },
      'perCall.vsBuiltins': { of: 'ours', to: 'builtins', atMost: 1.2 },
      'perCall.composedVsCockatiel': { of: 'composed', to: 'cockatiel', atMost: 0.35 },
      'perCall.vsOpossum': { of: 'ours', to: 'opossum' },
      'perCall.vsPromises': { of: 'ours', to: 'promises' },
      'perCall.vsQueue': { of: 'ours', to: 'queue' },
      'perCall.vsEffect': { of: 'ours', to: 'effect' },
    },
  }),
];
