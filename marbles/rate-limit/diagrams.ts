import { map, pipe } from 'rxjs';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, type RateLimiterConfig, rateLimit } from '../../src/rate-limit/index.ts';
import type { Chapter } from '../diagram.ts';
import { sampled } from '../sampled.ts';

function watched(config: RateLimiterConfig) {
  const limiter = new RateLimiter(config);
  return {
    operator: rateLimit(limiter),
    lanes: { permits: sampled(() => limiter.available, 18), waiting: sampled(() => limiter.queueSize, 18) },
  };
}

export const rateLimitChapter: Chapter = {
  operator: 'rateLimit',
  introduction:
    'A bucket holds permits: a burst of them at the start, and new ones drip in at a steady rate. Every stream takes one to begin. Whoever finds the bucket empty waits for the next drop, in line - or hears at once that it would take too long.',
  written: (code) => code.replace('watched(', 'rateLimit('),
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
  ],
};
