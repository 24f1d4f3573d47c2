import type { Section } from './rule.ts';

export const composition: Section = {
  title: 'The order of composition',
  rules: [
    {
      name: 'One order',
      promise:
        'From the outside to the inside: fallback, total timeout, retry, hedge, circuit breaker, throttle, rate limit, bulkhead, first and each timeout, source. Written by hand it is the same the other way round.',
      shown: {
        resilience: [
          'A stream that has no trouble is not touched',
          'Written by hand, the first operator is the innermost',
          'The bus tells the story of a call',
        ],
      },
    },
    {
      name: 'The breaker sees every attempt',
      promise: 'And the timeout of every attempt.',
      shown: {
        resilience: [
          'The breaker sees every attempt',
          'The breaker sees the timeout of an attempt',
          'Every attempt has a timeout.first of its own',
        ],
      },
    },
    {
      name: 'A hedge stands between the retry and the breaker',
      promise:
        'Every hedge is an attempt to all that is inside, and a retry begins the race anew. Who waits for a permit or a place is not late.',
      shown: {
        resilience: [
          'A hedge is an attempt like any other to what is inside of it',
          'When a hedge has failed as well, the retry waits and begins anew',
          'Who waits for a place is not hedged',
        ],
      },
    },
    {
      name: 'A wait for a permit or a place is no part of a slow call',
      promise: 'Nor of `timeout.first`, and whoever waits for a permit holds no place.',
      shown: {
        resilience: [
          'The wait for a permit is no part of a slow call',
          'The wait for a place is no part of timeout.first',
          'The wait for a permit holds no place',
        ],
        ResilientProvider: ['Every provider has its policies around it', 'Each part helps where it can'],
      },
    },
    {
      name: 'An open circuit uses no quota',
      promise: 'Neither a permit nor a place, and nor does what an adaptive throttle turns away.',
      shown: { resilience: ['An open circuit uses no quota', 'What is turned away uses no quota'] },
    },
    {
      name: 'The total bounds waits and back-offs',
      promise: 'A back-off that cannot fit is not begun.',
      shown: {
        resilience: [
          'The total bounds attempts, waits and back-offs',
          'The total ends an attempt that is under way',
          'Without a fallback the timeout is the error',
          'A circuit that stays open for longer than is left is not waited for',
        ],
        timeout: 'Around the retry, it bounds all attempts together',
      },
    },
    {
      name: 'The fallback sees the final verdict',
      promise: 'Once, when everything else has failed.',
      shown: {
        resilience: ['The fallback sees the final verdict', 'A failure is retried, and nobody hears of it'],
      },
    },
    {
      name: "One provider's total, and the patience of the caller",
      promise:
        'The `total` of a provider bounds its attempts, waits and back-offs, and the next provider can still answer. The timeout of a call bounds the whole of it, fallbacks included, and ends it with an error.',
      shown: {
        ResilientProvider: [
          "'timeout.total' is the time of one provider",
          "The caller's patience bounds the whole call",
          'A call may have limits of its own',
        ],
      },
    },
    {
      name: 'What is said for the whole holds for the parts',
      promise: 'Unless a part says otherwise.',
      shown: {
        resilience: ['A part may say otherwise about the commit', 'One source of chance for all parts'],
      },
    },
  ],
};

export const events: Section = {
  title: 'Events',
  rules: [
    {
      name: 'Every decision is an event',
      promise: 'With its type, its category, who speaks, when, and data that is typed by the type.',
      shown: {
        resilience: ['The bus tells the story of a call', 'An open circuit uses no quota'],
        bulkhead: 'A refusal says why',
        rateLimit: 'Waits and refusals are announced',
        timeout: 'A timeout is announced',
        fallback: 'A chain is tried in order',
        ResilientProvider: 'When the retries are used up, the spare provider answers behind a switch mark',
      },
      tested: {
        'test/core/event-bus.test.ts': [
          'in virtual time the timestamp is the frame, from 0 on',
          'accepts $type after a journey as JSON',
        ],
        because: 'for every type',
      },
    },
    {
      name: 'The bus never ends and keeps one order',
      promise:
        'A listener that throws hurts nobody, one that publishes changes the order for nobody, and with no listener an event costs almost nothing.',
      tested: {
        'test/core/ordered-subject.test.ts': [
          'it never ends',
          'a listener that publishes while it is told changes the order for nobody',
          'a listener that throws harms nobody',
        ],
        'test/core/event-bus.test.ts': 'makes no event when nobody listens',
        because: 'what two listeners hear in one moment stands at one place of a picture',
      },
    },
  ],
};
