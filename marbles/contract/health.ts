import type { Section } from './rule.ts';

const CHECKER = 'test/health/health-checker.test.ts';

export const health: Section = {
  title: 'Health',
  rules: [
    {
      name: 'A check answers in its own time, or is unhealthy',
      promise:
        'With a boolean, a status, a promise or a stream. All run at the same time, each within its own timeout; one that fails or says nothing is unhealthy, and the report says why.',
      shown: {
        HealthChecker: [
          'A check that does not answer in time is unhealthy',
          'A check that fails, and one that says nothing, are unhealthy',
        ],
      },
      tested: {
        [CHECKER]: ['an answer', 'waits for all, who run at the same time'],
        because: 'promises are invisible to virtual time, and a diagram has one check',
      },
    },
    {
      name: 'The whole is as well as what is critical',
      promise:
        'A critical check that is unhealthy makes the whole unhealthy, any other one degraded. Without checks all is well.',
      shown: { HealthChecker: 'What is not critical does not make the whole unhealthy' },
      tested: { [CHECKER]: 'the whole', because: 'for several checks together' },
    },
    {
      name: 'To watch is to share',
      promise:
        'Rounds never overlap and are shared by all who watch; while nobody listens nothing runs, and an answer may be used again.',
      shown: {
        HealthChecker: [
          'A round begins 10 ms after the report of the one before',
          'All who watch share the rounds',
          'While nobody listens, nothing runs',
          'An answer is used again until it is too old',
        ],
      },
    },
    {
      name: 'Every change is an event',
      promise: 'Of a check and of the whole, and nothing else is.',
      shown: { HealthChecker: 'Every change is an event, and nothing else is' },
    },
    {
      name: 'Circuits and providers say how they are',
      promise: 'Without being called.',
      tested: {
        [CHECKER]: [
          'is as healthy as its state says, and nothing is called',
          'says itself whether it is worth asking',
        ],
        because: 'what does not happen has no picture',
      },
    },
  ],
};
