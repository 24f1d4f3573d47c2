import {
  AdaptiveThrottle,
  type AdaptiveThrottleConfig,
  adaptiveThrottle,
} from '../../src/adaptive-throttle/index.ts';
import type { Chapter } from '../diagram.ts';
import { sampled } from '../sampled.ts';

/** A throttle, and how likely it is to turn a request away, in percent. */
function watched(config: AdaptiveThrottleConfig) {
  const throttle = new AdaptiveThrottle(config);
  return {
    operator: adaptiveThrottle(throttle),
    lanes: { 'turned away': sampled(() => Math.round(throttle.probability * 100), 22) },
  };
}

const busy = { status: 429 };
const percent = { z: 0, h: 50, t: 33, s: 67, q: 25, v: 75 };

export const adaptiveThrottleChapter: Chapter = {
  operator: 'adaptiveThrottle',
  introduction:
    'To say no costs an overloaded service something, too. When it has turned away much of what it was asked lately, some of what would be asked is turned away here: by chance, and with a probability that follows its refusals. Other than a circuit breaker it never stops asking, so it takes up all that the service can bear.',
  written: (code) => code.replace('watched(', 'adaptiveThrottle('),
  diagrams: [
    {
      title: 'What is accepted is not throttled',
      prose: 'As long as the service takes what it is asked, every request is made.',
      setup: () => adaptiveThrottle(),
      source: '       -a|',
      consumers: [' ^', '     ---^'],
      expected: ['  -a|', '   ----a|'],
      subscriptions: ['^-!', '---^-!'],
    },
    {
      title: 'The more it refuses, the more is turned away here',
      prose:
        'Two requests were refused and none was accepted: (2 − 2 × 0) / (2 + 1) is 67 %. The third is drawn 0.5 and turned away; its source is never subscribed. It counts as a request, too.',
      setup: () => watched({ random: () => 0.5 }),
      source: '       -#',
      sourceErrors: [busy, busy],
      consumers: [' ^', '     --^', '    -----^'],
      expected: ['  -#', '    ---#', '   -----#'],
      errors: [busy, busy, 'ThrottledError'],
      subscriptions: ['^!', '  --^!'],
      lanes: { 'turned away': { expected: 'zh-s-v', values: percent } },
    },
    {
      title: 'Two are tried for each that is accepted',
      prose:
        'One accepted and one refused are no reason to hold back: with a multiplier of 2 so much is tried, to see whether the service takes more.',
      setup: () => adaptiveThrottle({ random: () => 0 }),
      source: ['     -a|', '    -#', '     -a|'],
      sourceErrors: ['error', busy, 'error'],
      consumers: [' ^', '     ---^', '   ------^'],
      expected: ['  -a|', '   ----#', '  -------a|'],
      errors: ['error', busy, 'error'],
      subscriptions: ['^-!', '---^!', '------^-!'],
    },
    {
      title: 'A lower multiplier is more considerate',
      prose:
        'With 1, already the second refusal in a row of two is one too many: (2 − 1 × 1) / (2 + 1) is 33 %.',
      setup: () => watched({ multiplier: 1, random: () => 0.3 }),
      source: ['     -a|', '    -#'],
      sourceErrors: ['error', busy],
      consumers: [' ^', '     ---^', '   ------^'],
      expected: ['  -a|', '   ----#', '  ------#'],
      errors: ['error', busy, 'ThrottledError'],
      subscriptions: ['^-!', '---^!'],
      lanes: { 'turned away': { expected: 'z---t-h', values: percent } },
    },
    {
      title: 'A request counts once it is known what became of it',
      prose:
        'Three slow streams are under way. They are no reason to turn away a fourth: with its first value each is accepted, with its refusal refused.',
      setup: () => adaptiveThrottle({ multiplier: 1, random: () => 0 }),
      source: '       ---a--|',
      consumers: [' ^', '     -^', '     --^', '     ---^'],
      expected: ['  ---a--|', '   ----a--|', '   -----a--|', '   ------a--|'],
      subscriptions: ['^-----!', '   -^-----!', '   --^-----!', '   ---^-----!'],
    },
    {
      title: 'However bad it looks, some get through',
      prose:
        'maxProbability leaves one request in four its chance, so an end of the overload is noticed. Here the dice are kind to the third.',
      setup: () => watched({ maxProbability: 0.25, random: () => 0.4 }),
      source: ['     -#', '   -#', '     -a|'],
      sourceErrors: [busy, busy, 'error'],
      consumers: [' ^', '     --^', '    -----^'],
      expected: ['  -#', '    ---#', '   ------a|'],
      errors: [busy, busy, 'error'],
      subscriptions: ['^!', '  --^!', '   -----^-!'],
      lanes: { 'turned away': { expected: 'zq', values: percent } },
    },
    {
      title: 'What is long ago is forgotten',
      prose: 'A refusal counts for the window, here 10 ms. After that the throttle knows of nothing bad.',
      setup: () => watched({ window: 10, random: () => 0.4 }),
      source: ['     -#', '   -a|'],
      sourceErrors: [busy, 'error'],
      consumers: [' ^', '     ---^', '    --------------^'],
      expected: ['  -#', '    ---#', '   ---------------a|'],
      errors: [busy, 'ThrottledError', 'error'],
      subscriptions: ['^!', '  --------------^-!'],
      lanes: { 'turned away': { expected: 'zh-s-------h-z', values: percent } },
    },
    {
      title: 'Only a refusal is a refusal',
      prose:
        'An error that speaks of no overload says nothing, unless classify says otherwise: here a 500 counts as refused.',
      setup: () =>
        watched({
          classify: (error) => ((error as { status?: number }).status === 500 ? 'rejected' : 'neutral'),
          random: () => 0.4,
        }),
      source: ['     -#', '   -#'],
      sourceErrors: ['error', { status: 500 }],
      consumers: [' ^', '     ---^', '    -----^'],
      expected: ['  -#', '    ----#', '   -----#'],
      errors: ['error', { status: 500 }, 'ThrottledError'],
      subscriptions: ['^!', '  ---^!'],
      lanes: { 'turned away': { expected: 'z---hs', values: percent } },
    },
    {
      title: 'Who leaves before it is known has not asked',
      prose: 'Unsubscribing is neutral: no request, no refusal.',
      setup: () => adaptiveThrottle({ multiplier: 1, random: () => 0 }),
      source: '       -----a|',
      consumers: [' ^--!', '   -----^'],
      expected: ['  ---', '   ----------a|'],
      subscriptions: ['^--!', '   -----^-----!'],
    },
  ],
};
