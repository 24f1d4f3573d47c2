import { map } from 'rxjs';
import { type ChaosConfig, chaos } from '../../src/chaos/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { Chapter } from '../diagram.ts';

/** Switched on, and what it announces. */
function watched(config: ChaosConfig<string, string>) {
  const events = new EventBus();
  return {
    operator: chaos({ enabled: true, events, ...config }),
    lanes: { injected: events.on('chaos_injected').pipe(map(({ data }) => data.fault)) },
  };
}

const words = { l: 'latency', g: 'gap', c: 'cut', t: 'truncate', s: 'stall', w: 'corrupt' };

export const chaosChapter: Chapter = {
  operator: 'chaos',
  introduction:
    'Whether a stream survives its provider is seen when the provider fails, and by then it is late to find out. Here a source misbehaves on purpose: in tests, and on a game day in production. It is off unless switched on, and tells the bus whatever it does.',
  written: (code) =>
    code
      .replace('watched({ ', 'chaos({ enabled: true, ')
      .replace('watched({\n', 'chaos({\n  enabled: true,\n'),
  diagrams: [
    {
      title: 'What is not switched on does nothing',
      prose: 'An operator that was left in the code by mistake must not be seen.',
      setup: () => chaos({ enabled: false, cut: 1 }),
      source: '       -a-b|',
      expected: '     -a-b|',
      subscriptions: ['^---!'],
    },
    {
      title: 'A stream breaks after some values',
      prose:
        'cut counts the values that get through. The source is unsubscribed, as when a connection is lost, and the error says that it was made on purpose.',
      setup: () => watched({ cut: 2 }),
      source: '       -a-b-c|',
      expected: '     -a-(b#)',
      errors: ['ChaosError'],
      subscriptions: ['^--!'],
      lanes: { injected: { expected: '---c', values: words } },
    },
    {
      title: 'A request is refused at once',
      prose: 'An error without a cut breaks the stream before its source is subscribed. It can be any error.',
      setup: () => watched({ error: { status: 503 } }),
      source: '       -a|',
      expected: '     #',
      errors: [{ status: 503 }],
      subscriptions: [],
      lanes: { injected: { expected: 'c', values: words } },
    },
    {
      title: 'A stream ends as if it were whole',
      prose: 'The worst of faults, for nobody hears of it: half an answer, and a completion.',
      setup: () => watched({ truncate: 2 }),
      source: '       -a-b-c|',
      expected: '     -a-(b|)',
      subscriptions: ['^--!'],
      lanes: { injected: { expected: '---t', values: words } },
    },
    {
      title: 'A stream falls silent',
      prose: 'It says nothing more, not even that it is over, until whoever waits for it gives up.',
      setup: () => watched({ stall: 1 }),
      source: '       -a-b-c|',
      consumers: [' ^--------!'],
      expected: ['  -a--------'],
      subscriptions: ['^!'],
      lanes: { injected: { expected: '-s', values: words } },
    },
    {
      title: 'The first value comes late',
      prose: 'The others move up behind it, in their order; the completion stays the last.',
      setup: () => watched({ latency: 5 }),
      source: '       -a-b--------c|',
      expected: '     ------(ab)--c|',
      subscriptions: ['^------------!'],
      lanes: { injected: { expected: '-l', values: words } },
    },
    {
      title: 'Every value takes longer than the one before',
      prose: 'gap is added to each silence between two values. The source does not wait for it.',
      setup: () => watched({ gap: 3 }),
      source: '       abc|',
      expected: '     a---b--(c|)',
      subscriptions: ['^--!'],
      lanes: { injected: { expected: '-gg', values: words } },
    },
    {
      title: 'A range leaves the delay to chance',
      prose: 'Drawn 0.5, a latency between 2 and 6 ms is 4.',
      setup: () => watched({ latency: [2, 6], random: () => 0.5 }),
      source: '       -a|',
      expected: '     -----(a|)',
      subscriptions: ['^-!'],
      lanes: { injected: { expected: '-l', values: words } },
    },
    {
      title: 'Values can be wrong',
      prose: 'What corrupt returns is delivered; what it leaves alone is no event.',
      setup: () => watched({ corrupt: (value, index) => (index === 1 ? 'x' : value) }),
      source: '       -a-b-c|',
      expected: '     -a-x-c|',
      subscriptions: ['^-----!'],
      lanes: { injected: { expected: '---w', values: words } },
    },
    {
      title: 'Chance says who is hit',
      prose:
        'rate is a share of the subscriptions. The dice say 0.4, then 0.1: only the second is below 0.3.',
      setup() {
        const dice = [0.4, 0.1];
        return watched({ rate: 0.3, cut: 1, random: () => dice.shift() ?? 0 });
      },
      source: '       -a-b|',
      consumers: [' ^', '     ^'],
      expected: ['  -a-b|', ' -(a#)'],
      errors: ['error', 'ChaosError'],
      subscriptions: ['^---!', ' ^!'],
      lanes: { injected: { expected: '-c', values: words } },
    },
    {
      title: 'A schedule says which subscriptions are hit',
      prose: 'attempts counts all that go through the operator, from 1.',
      setup: () => watched({ attempts: [1, 3], cut: 0 }),
      source: '       a|',
      consumers: [' -^', '    --^', '    ---^'],
      expected: ['  -#', '    --a|', '   ---#'],
      errors: ['ChaosError', 'error', 'ChaosError'],
      subscriptions: ['--^!'],
      lanes: { injected: { expected: '-c-c', values: words } },
    },
    {
      title: 'A game day has a beginning and an end',
      prose: 'Only who subscribes from 3 ms on, and before 6 ms, is hit.',
      setup: () => watched({ from: 3, until: 6, cut: 0 }),
      source: '       a|',
      consumers: [' --^', '   ---^', '   -----^', ' ------^'],
      expected: ['  --a|', '  ---#', '   -----#', ' ------a|'],
      errors: ['error', 'ChaosError', 'ChaosError', 'error'],
      subscriptions: ['--^!', '  ------^!'],
      lanes: { injected: { expected: '---c-c', values: words } },
    },
    {
      title: 'Who leaves takes every delay along',
      prose: 'Unsubscribing ends the source and drops what was on its way.',
      setup: () => watched({ latency: 9 }),
      source: '       -a-b-c|',
      consumers: [' ^---!'],
      expected: ['  -----'],
      subscriptions: ['^---!'],
      lanes: { injected: { expected: '-l', values: words } },
    },
  ],
};
