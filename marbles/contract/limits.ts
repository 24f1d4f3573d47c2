import type { Section } from './rule.ts';

const BULKHEAD = 'test/bulkhead/bulkhead.test.ts';
const BULKHEAD_OPERATOR = 'test/bulkhead/operator.test.ts';
const SHEDDING = 'test/bulkhead/load-shedding.test.ts';
const FEEDBACK = 'test/rate-limit/server-feedback.test.ts';
const LIMITER = 'test/rate-limit/rate-limiter.test.ts';

export const bulkhead: Section = {
  title: 'Bulkhead',
  rules: [
    {
      name: 'A place for the life of a stream',
      promise: 'So many run, so many wait, first come, first served, for no longer than `queueTimeout`.',
      shown: {
        bulkhead: [
          'A stream that finds a free place runs at once',
          'A second stream waits until the first has ended',
          'A full queue refuses at once',
          'Who waits too long is sent away',
        ],
      },
    },
    {
      name: 'Whatever the length of the line',
      promise: 'To join, to leave and to be called cost the same with 100 000 in line.',
      tested: {
        [BULKHEAD]:
          '100 000 wait, half of them leave at random, and the rest is served in order and ends at once',
        because: 'virtual time costs nothing, however long the work takes',
      },
    },
    {
      name: 'Nobody is overtaken, no place is lost',
      promise:
        'A newcomer stands behind all who wait. Who leaves before using a place passes it on. A wait that is over in the moment of a release loses nothing.',
      shown: {
        bulkhead: [
          'A newcomer never overtakes who waits',
          'Who leaves the queue costs nobody a place',
          'A wait that is over in the moment in which a place comes free loses none',
        ],
      },
      tested: {
        [BULKHEAD]: 'racing a release loses no place: %s',
        [BULKHEAD_OPERATOR]: 'a listener that cancels the stream loses no place: %s',
        because: 'in both orders of one moment, and at every step of a grant',
      },
    },
    {
      name: 'A refusal says why',
      promise:
        '`BulkheadRejectedError` has the reason, the queue was full or the wait too long, and the bulkhead tells its numbers.',
      shown: {
        bulkhead: ['A refusal says why', 'A full queue refuses at once', 'Who waits too long is sent away'],
      },
    },
    {
      name: 'The more urgent first, and nobody in vain',
      promise:
        'A higher `priority` goes first, and takes the place in line of a lower one when the line is full. Who cannot be served within its `patience` is refused at once, judged by the last streams; nobody waits longer than that.',
      shown: {
        bulkhead: [
          'Who is more urgent goes first',
          'When the line is full, the least urgent goes',
          'Who cannot be served in time is refused at once',
          'Nobody waits longer than the own patience',
        ],
      },
      tested: {
        [SHEDDING]:
          'whoever comes, waits, is served or goes: the most urgent first, nobody too long, and no place is lost',
        because: 'two thousand histories that nobody would draw',
      },
    },
  ],
};

export const rateLimit: Section = {
  title: 'Rate limit',
  rules: [
    {
      name: 'One permit a stream',
      promise:
        'Whatever the number of its values. Permits are there at once, come back at a steady rate, and do not pile up beyond the burst.',
      shown: {
        rateLimit: [
          'A stream that finds a permit runs at once',
          'First a burst, then one after the other',
          'Unused permits do not pile up',
          'A permit may come every five seconds',
        ],
      },
      tested: {
        [LIMITER]: 'a hundred thousand permits whose interval is no whole number take exactly their time',
        because: 'rounding shows only in the sum of many',
      },
    },
    {
      name: 'Waiting costs one timer for the whole line',
      promise: 'No polling, no timer a waiter, and the same work for every one of them.',
      tested: {
        [LIMITER]: [
          'is served first come, first served, at the rate, with one timer',
          '100 000 wait, half of them leave at random, and the rest is served in order though each gives its permit back',
        ],
        because: 'timers and work are no marbles',
      },
    },
    {
      name: 'A bounded line, first come, first served',
      promise:
        'A wait that cannot fit is refused at once and reserves nothing. Who leaves gives the reservation back, and all others move up.',
      shown: {
        rateLimit: [
          'Who comes first is served first',
          'A wait that would be too long is refused at once',
          'A full line refuses at once',
          'Who leaves the line moves all others up',
        ],
      },
    },
    {
      name: 'A permit that was used is used',
      promise: 'By a stream that failed or was cancelled as well. What was never sent gives its permit back.',
      shown: {
        rateLimit: [
          'An error is an error, and has used its permit',
          'A stream that was started and cancelled has used its permit',
          'What was refused by another policy was not sent and costs no permit',
        ],
      },
    },
    {
      name: 'A refusal says when there is a permit',
      promise:
        '`RateLimitExceededError` has `retryAfter`, waits are announced too, and `tryAcquire` never waits nor overtakes.',
      shown: {
        rateLimit: ['Waits and refusals are announced', 'A wait that would be too long is refused at once'],
      },
      tested: {
        [LIMITER]: [
          'whoever comes back after retryAfter finds a permit',
          'nobody who only tries overtakes those who wait, not even when the permit is due',
        ],
        because: 'code without a stream has no marbles',
      },
    },
    {
      name: 'Tokens are reserved, counted and settled',
      promise:
        'From all limits at once or from none, first come, first served, whatever the size. What was not used goes back, what was used beyond is a debt, and what nobody has counted stays reserved.',
      shown: {
        rateLimit: [
          'A limit by the minute keeps a minute of permits, or as much as you say',
          'Tokens are reserved before a stream begins',
          'Small requests do not overtake a large one',
          'Who asks for more than the bucket holds waits until it is full, and leaves a debt',
          'What was not used goes back',
          'What was used beyond the reservation is taken',
          'Tokens are counted while they come',
          'A broken stream keeps its reservation',
          'All limits or none',
        ],
        resilience: 'Every attempt reserves tokens of its own',
        ResilientProvider:
          'Tokens are reserved before a request is sent, and settled when they have been counted',
      },
      tested: {
        'test/rate-limit/interleavings.test.ts':
          'ten thousand interleavings leave balances that add up exactly',
        'test/rate-limit/gcra.test.ts': 'decides as both forms of the recommendation do, whatever arrives',
        because:
          'a book is kept beside each history, and the numbers of the algorithm are those of its sources',
      },
    },
    {
      name: 'One refusal of the service stops the herd',
      promise:
        'For as long as it says, within bounds. Then one begins, and the others follow at the usual pace. What it says is left lowers the bucket and never raises it; its limits re-tune the pace within the bounds of the user.',
      shown: {
        rateLimit: [
          'One refusal of the service stops the herd',
          'With feedback.pause false everybody finds out for themselves',
          'No pause is longer than feedback.maxPause',
          'By chance a pause is up to a tenth longer',
          'What the service says is left is all there is',
          'With feedback.remaining false only the own count matters',
          'A limiter may follow the limits of the service, within bounds',
          'A pause may be made by hand',
        ],
      },
      tested: {
        [FEEDBACK]: [
          'is one event, also when it comes from fifty who were under way',
          'counts what was admitted since, which the service cannot know of',
          'of an answer to an older request than one that was heard of says nothing new',
        ],
        'test/providers/limits.test.ts': '$adapter: the limiter of a ResilientProvider heeds it',
        'test/chat/quota.test.ts': 'no refusal after the first minute, and more than 95 % of the quota used',
        because: 'it takes many callers, real headers, and minutes of traffic',
      },
    },
    {
      name: 'The more urgent first, and nobody in vain',
      promise:
        'A higher `priority` goes first, and takes the place in line of a lower one when the line is full. Who would have to wait longer than its `patience` is refused at once.',
      shown: {
        rateLimit: [
          'Who is more urgent goes first',
          'When the line is full, the least urgent goes',
          'Who cannot wait as long as it takes is refused at once',
        ],
      },
    },
  ],
};
