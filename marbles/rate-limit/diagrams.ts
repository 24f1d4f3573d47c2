import { map, pipe, tap } from 'rxjs';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  RateLimiter,
  type RateLimiterConfig,
  type RateLimitOptions,
  rateLimit,
} from '../../src/rate-limit/index.ts';
import type { Chapter } from '../diagram.ts';
import { sampled } from '../sampled.ts';

function watched(config: RateLimiterConfig, options: RateLimitOptions = {}) {
  const limiter = new RateLimiter(config);
  const permits = sampled(() => limiter.available, 18);
  return { operator: rateLimit(limiter, options), lanes: { permits, waiting: waitingFor(limiter) } };
}

/** With the tokens in the bucket. */
function metered(config: RateLimiterConfig, options: RateLimitOptions) {
  const limiter = new RateLimiter(config);
  const tokens = sampled(() => limiter.state.balances.tokens, 18);
  return { operator: rateLimit(limiter, options), lanes: { tokens, waiting: waitingFor(limiter) } };
}

/** With the pauses, and who waits for their end. */
function heeding(config: RateLimiterConfig, options: RateLimitOptions = {}) {
  const limiter = new RateLimiter(config);
  const paused = sampled(() => (limiter.state.paused ? 'paused' : 'runs'), 18);
  return { operator: rateLimit(limiter, options), lanes: { limiter: paused, waiting: waitingFor(limiter) } };
}

const waitingFor = (limiter: RateLimiter) => sampled(() => limiter.queueSize, 18);

const refused = { status: 429, retryAfter: 6 };
/** With a letter for each debt. */
const levels = { m: -3, n: -2, o: -1, 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6 };

const states = { p: 'paused', r: 'runs' };

export const rateLimitChapter: Chapter = {
  operator: 'rateLimit',
  introduction:
    'A bucket holds permits: a burst of them at the start, and new ones drip in at a steady rate. Every stream takes one to begin. Whoever finds the bucket empty waits for the next drop, in line - or hears at once that it would take too long.',
  written: (code) => code.replace(/^(watched|metered|heeding)\(/, 'rateLimit('),
  diagrams: [
    {
      title: 'A stream that finds a permit runs at once',
      prose:
        'It takes one permit, whatever the number of its values: the limit is on streams that begin, not on what they say.',
      setup: () => rateLimit({ requestsPerSecond: 1, burstSize: 1 }),
      source: '       abcde-f|',
      expected: '     abcde-f|',
      subscriptions: ['^------!'],
    },
    {
      title: 'First a burst, then one after the other',
      prose:
        'Four streams come together. Two permits are there; 250 a second means that another one comes every 4 ms.',
      setup: () => watched({ requestsPerSecond: 250, burstSize: 2 }),
      source: '       -a|',
      consumers: [' --^', '--^', '--^', '--^'],
      expected: ['  ---a|', '---a|', '-------a|', '-----------a|'],
      subscriptions: ['--^-!', '--^-!', '------^-!', '----------^-!'],
      lanes: { permits: { expected: '2-0-----------1---2' }, waiting: { expected: '0-2---1---0' } },
    },
    {
      title: 'Who comes first is served first',
      prose:
        'At 5 ms there is a permit, and it is for the stream that came at 1 ms. The one that comes at that very moment stands behind.',
      setup: () => watched({ requestsPerSecond: 200, burstSize: 1 }),
      source: ['    -a|', ' -b|', '     -c|'],
      consumers: [' ^', '   -^', '    -----^'],
      expected: ['  -a|', ' ------b|', '-----------c|'],
      subscriptions: ['^-!', '-----^-!', '----------^-!'],
      lanes: { permits: { expected: '0--------------1' }, waiting: { expected: '01--------0' } },
    },
    {
      title: 'An error is an error, and has used its permit',
      prose: 'It passes through unchanged. Whoever tries again waits for a permit of its own.',
      setup: () => rateLimit({ requestsPerSecond: 200, burstSize: 1 }),
      source: ['    -#', '  -b|'],
      consumers: [' ^', '  --^'],
      expected: ['  -#', '  ------b|'],
      subscriptions: ['^!', '  -----^-!'],
    },
    {
      title: 'A wait that would be too long is refused at once',
      prose:
        'The third stream would have to wait 10 ms and is ready to wait 6. It hears so immediately instead of in vain, and reserves nothing. The error says in retryAfter when there is a permit.',
      setup: () => watched({ requestsPerSecond: 200, burstSize: 1, queueTimeout: 6 }),
      source: '       a|',
      consumers: [' ^', '^', '    ^', ' -----^'],
      expected: ['  a|', '-----a|', '#', ' ----------a|'],
      errors: ['error', 'error', 'RateLimitExceededError', 'error'],
      subscriptions: ['^!', '-----^!', '----------^!'],
      lanes: { permits: { expected: '0--------------1' }, waiting: { expected: '1---------0' } },
    },
    {
      title: 'A full line refuses at once',
      prose: 'One may wait, so the third stream is sent away. With maxQueue 0 nobody waits.',
      setup: () => watched({ requestsPerSecond: 200, burstSize: 1, maxQueue: 1 }),
      source: '       a|',
      consumers: [' ^', '^', '     -^'],
      expected: ['  a|', '-----a|', '-#'],
      errors: ['error', 'error', 'RateLimitExceededError'],
      subscriptions: ['^!', '-----^!'],
      lanes: { permits: { expected: '0---------1' }, waiting: { expected: '1----0' } },
    },
    {
      title: 'Who leaves the line moves all others up',
      prose:
        'The second stream gives up while it waits. It is never subscribed, and its permit is for the one behind it.',
      setup: () => watched({ requestsPerSecond: 200, burstSize: 1 }),
      source: ['    a|', '     b|'],
      consumers: [' ^', '^-!', '^'],
      expected: ['  a|', '---', '-----b|'],
      subscriptions: ['^!', '-----^!'],
      lanes: { permits: { expected: '0---------1' }, waiting: { expected: '2-1--0' } },
    },
    {
      title: 'A stream that was started and cancelled has used its permit',
      prose: 'The request has gone out, and the other side has counted it.',
      setup: () => watched({ requestsPerSecond: 200, burstSize: 1 }),
      source: ['    --a|', '  b|'],
      consumers: [' ^!', '    -^'],
      expected: ['  --', '    -----b|'],
      subscriptions: ['^!', '  -----^!'],
      lanes: { permits: { expected: '0---------1' }, waiting: { expected: '01---0' } },
    },
    {
      title: 'Unused permits do not pile up',
      prose: 'After 100 ms of silence 20 permits could have come, but the bucket holds two.',
      setup: () => rateLimit({ requestsPerSecond: 200, burstSize: 2 }),
      source: '       a|',
      consumers: [' 100ms ^', '100ms ^', '100ms ^'],
      expected: ['  100ms a|', '100ms a|', '105ms a|'],
      subscriptions: ['100ms ^!', '100ms ^!', '105ms ^!'],
    },
    {
      title: 'A permit may come every five seconds',
      prose:
        'requestsPerSecond is 0.2. Nothing is rounded, and one timer waits for the next permit, whoever waits for it.',
      setup: () => rateLimit({ requestsPerSecond: 0.2, burstSize: 1, queueTimeout: Infinity }),
      source: '       -a|',
      consumers: [' ^', '^', '^'],
      expected: ['  -a|', '5s -a|', '10s -a|'],
      subscriptions: ['^-!', '5s ^-!', '10s ^-!'],
    },
    {
      title: 'What was refused by another policy was not sent and costs no permit',
      prose:
        'The bulkhead below has one place and no line. It refuses the second stream, whose permit goes back: so the third finds one.',
      setup: () =>
        pipe(
          bulkhead({ maxConcurrent: 1, maxQueue: 0 }),
          rateLimit({ requestsPerSecond: 1, burstSize: 2, maxQueue: 0 }),
        ),
      source: ['    --a|', '   b|'],
      consumers: [' ^', '     -^', '                     ----^'],
      expected: ['  --a|', '  -#', '                     ----b|'],
      errors: ['error', 'BulkheadRejectedError', 'error'],
      subscriptions: ['^--!', ' ----^!'],
    },
    {
      title: 'Waits and refusals are announced',
      prose: 'Each with the milliseconds until there is a permit. A stream that finds one causes no event.',
      setup() {
        const events = new EventBus();
        return {
          operator: rateLimit({ requestsPerSecond: 200, burstSize: 1, maxQueue: 1, events }),
          lanes: {
            events: events
              .on('rate_limited')
              .pipe(map(({ data }) => `${data.outcome}, ${data.retryAfter} ms`)),
          },
        };
      },
      source: '       a|',
      consumers: [' ^', ' -^', '    --^'],
      expected: ['  a|', '-----a|', '--#'],
      errors: ['error', 'error', 'RateLimitExceededError'],
      subscriptions: ['^!', '-----^!'],
      lanes: { events: { expected: '-qr', values: { q: 'queued, 4 ms', r: 'rejected, 8 ms' } } },
    },
    {
      title: 'A limit by the minute keeps a minute of permits, or as much as you say',
      prose:
        '30 000 a minute is one every 2 ms. With a burstWindow of 4 ms two are kept, however long nobody comes; by default it would be a minute of them, as the services do it.',
      setup: () => watched({ requestsPerMinute: 30_000, burstWindow: 4 }),
      source: '       a|',
      consumers: [' ^', '^', '^', '^'],
      expected: ['  a|', 'a|', '--a|', '----a|'],
      subscriptions: ['^!', '^!', '--^!', '----^!'],
      lanes: { permits: { expected: '0-----1-2' }, waiting: { expected: '2-1-0' } },
    },
    {
      title: 'Tokens are reserved before a stream begins',
      prose:
        '60 000 tokens a minute is one every millisecond, and six are kept. Every stream is expected to use four. The second waits until there are as many.',
      setup: () => metered({ tokensPerMinute: 60_000, burstWindow: 6 }, { tokens: 4 }),
      source: '       -a|',
      consumers: [' ^', '^', '^'],
      expected: ['  -a|', '---a|', '-------a|'],
      subscriptions: ['^-!', '--^-!', '------^-!'],
      lanes: { tokens: { expected: '2301230123456' }, waiting: { expected: '2-1---0' } },
    },
    {
      title: 'Small requests do not overtake a large one',
      prose:
        'The second stream needs six tokens and waits for them. The third needs one, which is there all the time, but it came later.',
      setup() {
        const sizes = [4, 6, 1];
        return metered({ tokensPerMinute: 60_000, burstWindow: 6 }, { tokens: () => sizes.shift() ?? 0 });
      },
      source: '       -a|',
      consumers: [' ^', '^', '^'],
      expected: ['  -a|', '-----a|', '------a|'],
      subscriptions: ['^-!', '----^-!', '-----^-!'],
      lanes: { tokens: { expected: '23450-123456' }, waiting: { expected: '2---10' } },
    },
    {
      title: 'Who asks for more than the bucket holds waits until it is full, and leaves a debt',
      prose:
        'It is an estimate that is too large, and the service has the last word. The bucket goes below zero, which is paid before the next one begins: on average the limit holds.',
      setup() {
        const sizes = [2, 9, 1];
        return metered({ tokensPerMinute: 60_000, burstWindow: 6 }, { tokens: () => sizes.shift() ?? 0 });
      },
      source: '       -a|',
      consumers: [' ^', '^', '^'],
      expected: ['  -a|', '---a|', '-------a|'],
      subscriptions: ['^-!', '--^-!', '------^-!'],
      lanes: { tokens: { expected: '45mno0-123456', values: levels }, waiting: { expected: '2-1---0' } },
    },
    {
      title: 'What was not used goes back',
      prose:
        'Six tokens are reserved. At its end the first stream says that it used two, so four go back, and the next can begin.',
      setup: () =>
        metered(
          { tokensPerMinute: 60_000, burstWindow: 6 },
          { tokens: 6, usageOf: (value) => (typeof value === 'number' ? value : undefined) },
        ),
      source: '       -a-u|',
      values: { a: 'a', u: 2 },
      consumers: [' ^', '^'],
      expected: ['  -a-u|', '-----a-u|'],
      subscriptions: ['^---!', '----^---!'],
      lanes: { tokens: { expected: '012301236' }, waiting: { expected: '1---0' } },
    },
    {
      title: 'What was used beyond the reservation is taken',
      prose:
        'One token was expected, six were used: the bucket is in debt, and whoever comes next waits until it is paid.',
      setup: () =>
        metered(
          { tokensPerMinute: 60_000, burstWindow: 3 },
          { tokens: 1, usageOf: (value) => (typeof value === 'number' ? value : undefined) },
        ),
      source: ['    u|', 'a|'],
      values: { a: 'a', u: 6 },
      consumers: [' ^', '-^'],
      expected: ['  u|', '----a|'],
      subscriptions: ['^!', '----^!'],
      lanes: { tokens: { expected: 'mno0-123', values: levels }, waiting: { expected: '01--0' } },
    },
    {
      title: 'Tokens are counted while they come',
      prose:
        'Every value is two tokens, and three were reserved. From the second value on, what comes is taken as it comes: nobody else is let in on tokens that are used already.',
      setup: () => metered({ tokensPerMinute: 60_000, burstWindow: 5 }, { tokens: 3, tokensOf: () => 2 }),
      source: ['    abcd-----|', '    x|'],
      consumers: [' ^', '----^'],
      expected: ['  abcd-----|', '------x|'],
      subscriptions: ['^--------!', '------^!'],
      lanes: { tokens: { expected: '2-1012012345' }, waiting: { expected: '0---1-0' } },
    },
    {
      title: 'A broken stream keeps its reservation',
      prose:
        'It ends with an error before it has said what it used. What is not known is not nothing: the tokens stay taken.',
      setup: () =>
        metered(
          { tokensPerMinute: 60_000, burstWindow: 6 },
          { tokens: 6, usageOf: (value) => (typeof value === 'number' ? value : undefined) },
        ),
      source: ['    -a#', '-b|'],
      consumers: [' ^', '^'],
      expected: ['  -a#', '-------b|'],
      subscriptions: ['^-!', '------^-!'],
      lanes: { tokens: { expected: '0123450123456' }, waiting: { expected: '1-----0' } },
    },
    {
      title: 'All limits or none',
      prose:
        'A request, tokens that are sent and tokens that are written have buckets of their own. A stream takes from all of them at once; the slowest decides, here that of the written tokens: one in 2 ms.',
      setup() {
        const limiter = new RateLimiter({
          requestsPerMinute: 60_000,
          inputTokensPerMinute: 60_000,
          outputTokensPerMinute: 30_000,
          burstWindow: 4,
        });
        const level = (of: 'input-tokens' | 'output-tokens') => sampled(() => limiter.state.balances[of], 18);
        return {
          operator: rateLimit(limiter, { tokens: { inputTokens: 3, outputTokens: 2 } }),
          lanes: { sent: level('input-tokens'), written: level('output-tokens') },
        };
      },
      source: '       -a|',
      consumers: [' ^', '^'],
      expected: ['  -a|', '-----a|'],
      subscriptions: ['^-!', '----^-!'],
      lanes: { sent: { expected: '12341234' }, written: { expected: '0-1-0-1-2' } },
    },
    {
      title: 'Who is more urgent goes first',
      prose:
        'The streams that wait have the priorities 0, 0 and 1. The last one goes first; among equals the order in which they came stands.',
      setup() {
        const priorities = [0, 0, 0, 1];
        return watched({ requestsPerSecond: 500, burstSize: 1 }, { priority: () => priorities.shift() ?? 0 });
      },
      source: ['    a|', 'd|', 'b|', 'c|'],
      consumers: [' ^', '^', '^', '^'],
      expected: ['  a|', '----b|', '------c|', '--d|'],
      subscriptions: ['^!', '--^!', '----^!', '------^!'],
      lanes: { permits: { expected: '0-------1' }, waiting: { expected: '3-2-1-0' } },
    },
    {
      title: 'When the line is full, the least urgent goes',
      prose:
        'One may wait. The third stream has a higher priority than the second, which is sent away for it: it hears so at once, and when it may come back.',
      setup() {
        const priorities = [0, 0, 1];
        return watched(
          { requestsPerSecond: 250, burstSize: 1, maxQueue: 1 },
          { priority: () => priorities.shift() ?? 0 },
        );
      },
      source: '       a|',
      consumers: [' ^', '-^', '--^'],
      expected: ['  a|', '--#', '----a|'],
      errors: ['error', 'RateLimitExceededError', 'error'],
      subscriptions: ['^!', '----^!'],
      lanes: { permits: { expected: '0-------1' }, waiting: { expected: '01--0' } },
    },
    {
      title: 'Who cannot wait as long as it takes is refused at once',
      prose:
        'Each of them has a patience of 5 ms. The third would have to wait 8 ms, and hears so immediately: it has the whole 5 ms to do something else.',
      setup: () => watched({ requestsPerSecond: 250, burstSize: 1 }, { patience: 5 }),
      source: '       a|',
      consumers: [' ^', '^', '^'],
      expected: ['  a|', '----a|', '#'],
      errors: ['error', 'error', 'RateLimitExceededError'],
      subscriptions: ['^!', '----^!'],
      lanes: { permits: { expected: '0-------1' }, waiting: { expected: '1---0' } },
    },
    {
      title: 'One refusal of the service stops the herd',
      prose:
        'The service answers 429 and asks for 6 ms. The others wait that long too, instead of finding out one by one. Then they follow one after the other, not all at once.',
      setup: () => heeding({ requestsPerSecond: 500, burstSize: 4, random: () => 0 }),
      source: ['    --#', 'a|'],
      sourceErrors: [refused],
      consumers: [' ^', '---^', '---^', '---^'],
      expected: ['  --#', '--------a|', '----------a|', '------------a|'],
      errors: [refused, 'error', 'error', 'error'],
      subscriptions: ['^-!', '--------^!', '----------^!', '------------^!'],
      lanes: { limiter: { expected: 'r-p-----r', values: states }, waiting: { expected: '0--3----2-1-0' } },
    },
    {
      title: 'With feedback.pause false everybody finds out for themselves',
      prose: 'The refusal is an error of the stream that got it, and nothing else happens.',
      setup: () => heeding({ requestsPerSecond: 500, burstSize: 4, feedback: { pause: false } }),
      source: ['    --#', 'a|'],
      sourceErrors: [refused],
      consumers: [' ^', '---^', '---^'],
      expected: ['  --#', '---a|', '---a|'],
      errors: [refused, 'error', 'error'],
      subscriptions: ['^-!', '---^!', '---^!'],
      lanes: { limiter: { expected: 'r', values: states }, waiting: { expected: '0' } },
    },
    {
      title: 'No pause is longer than feedback.maxPause',
      prose:
        'The service asks for an hour. After 5 ms one stream tries again; if it were refused as well, there would be another pause.',
      setup: () =>
        heeding({ requestsPerSecond: 500, burstSize: 4, feedback: { maxPause: 5 }, random: () => 0 }),
      source: ['    --#', 'a|'],
      sourceErrors: [{ status: 429, retryAfter: 3_600_000 }],
      consumers: [' ^', '---^'],
      expected: ['  --#', '-------a|'],
      errors: [{ status: 429, retryAfter: 3_600_000 }, 'error'],
      subscriptions: ['^-!', '-------^!'],
      lanes: { limiter: { expected: 'r-p----r', values: states }, waiting: { expected: '0--1---0' } },
    },
    {
      title: 'By chance a pause is up to a tenth longer',
      prose:
        'Whoever else was told the same 20 ms must not come back in the same moment. Here chance says 0.5: 21 ms.',
      setup: () => rateLimit({ requestsPerSecond: 500, burstSize: 4, random: () => 0.5 }),
      source: ['    --#', 'a|'],
      sourceErrors: [{ status: 429, retryAfter: 20 }],
      consumers: [' ^', '---^'],
      expected: ['  --#', '23ms a|'],
      errors: [{ status: 429, retryAfter: 20 }, 'error'],
      subscriptions: ['^-!', '23ms ^!'],
    },
    {
      title: 'What the service says is left is all there is',
      prose:
        'Here are seven tokens when the service says that only one is left: somebody else uses the same account. So the second stream, which needs four, waits for three.',
      setup: () =>
        metered(
          { tokensPerMinute: 60_000, burstWindow: 9 },
          { tokens: 4, reportsOf: () => [{ dimension: 'tokens', remaining: 1 }] },
        ),
      source: '       --a|',
      consumers: [' ^', '---^'],
      expected: ['  --a|', '-------a|'],
      subscriptions: ['^--!', '-----^--!'],
      lanes: { tokens: { expected: '5612301-23456789' }, waiting: { expected: '0--1-0' } },
    },
    {
      title: 'With feedback.remaining false only the own count matters',
      prose: 'For services that report what nobody can rely on.',
      setup: () =>
        metered(
          { tokensPerMinute: 60_000, burstWindow: 9, feedback: { remaining: false } },
          { tokens: 4, reportsOf: () => [{ dimension: 'tokens', remaining: 1 }] },
        ),
      source: '       --a|',
      consumers: [' ^', '---^'],
      expected: ['  --a|', '-----a|'],
      subscriptions: ['^--!', '---^--!'],
      lanes: { tokens: { expected: '567456789' }, waiting: { expected: '0' } },
    },
    {
      title: 'A limiter may follow the limits of the service, within bounds',
      prose:
        'It is configured for 60 000 a minute, one every millisecond. The service says that it allows 10 000. That is a sixth, and the pace must not fall below a third: from then on one every 3 ms.',
      setup: () =>
        watched(
          { requestsPerMinute: 60_000, burstSize: 1, feedback: { adjust: { min: 1 / 3, max: 2 } } },
          { reportsOf: () => [{ dimension: 'requests', limit: 10_000 }] },
        ),
      source: '       a|',
      consumers: [' ^', '^', '^'],
      expected: ['  a|', '---a|', '------a|'],
      subscriptions: ['^!', '---^!', '------^!'],
      lanes: { permits: { expected: '0--------1' }, waiting: { expected: '2--1--0' } },
    },
    {
      title: 'A pause may be made by hand',
      prose: 'A person or a health check stops all new streams for 4 ms. Those that run go on.',
      setup() {
        const limiter = new RateLimiter({ requestsPerSecond: 1_000, burstSize: 9 });
        return pipe(
          rateLimit(limiter),
          tap((value) => value === 'a' && limiter.pause(4)),
        );
      },
      source: ['    -a----b|', 'c|'],
      consumers: [' ^', '--^', '--^'],
      expected: ['  -a----b|', '-----c|', '------c|'],
      subscriptions: ['^------!', '-----^!', '------^!'],
    },
  ],
};
