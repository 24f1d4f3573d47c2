import { map, type Observable, type OperatorFunction } from 'rxjs';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  type HealthAnswer,
  HealthChecker,
  type HealthCheckOptions,
  type HealthStatus,
} from '../../src/health/index.ts';
import type { Chapter } from '../diagram.ts';

const statuses = { h: 'healthy', d: 'degraded', u: 'unhealthy' } as const;

/** What is heard of a checker that asks one check every 10 ms. */
const watched =
  (health: HealthChecker, options?: HealthCheckOptions): OperatorFunction<HealthAnswer, HealthStatus> =>
  (check: Observable<HealthAnswer>) => {
    health.register('database', () => check, options);
    return health.watch(10).pipe(map(({ status }) => status));
  };

export const healthChapter: Chapter = {
  operator: 'HealthChecker',
  introduction:
    'Before others are sent here, they want to know whether it is worth their while. Checks find out, all at the same time and each within its own time, and only while somebody wants to know. Here every attempt is one run of a check, the result is what a watcher hears every 10 ms, and h, d and u are healthy, degraded and unhealthy.',
  written: (code) =>
    code.replace(/^watched\((.*?)(?:, (\{.*\}))?\)$/s, (_, health: string, options?: string) =>
      [
        `const health = ${health};`,
        `health.register('database', () => check$${options === undefined ? '' : `, ${options}`});`,
        'health.watch(10).pipe(map(({ status }) => status))',
      ].join('\n'),
    ),
  diagrams: [
    {
      title: 'A round begins 10 ms after the report of the one before',
      prose:
        'The first begins at once. However long a check takes, its next run never overlaps it, and there is always a rest in between. The first word of a check is its answer, and then it is unsubscribed.',
      setup: () => watched(new HealthChecker()),
      source: ['-----h---d|', '--d|', '-----h|'],
      consumers: ['^--------------------------------!'],
      expected: '-----h-----------d--------------h-',
      values: statuses,
      subscriptions: ['^----!', '---------------^-!', '---------------------------^----!'],
    },
    {
      title: 'A check that does not answer in time is unhealthy',
      prose:
        'It is unsubscribed when its time is over; timeout is a matter of the checker, or of the one check.',
      setup: () => watched(new HealthChecker({ timeout: 4 })),
      source: ['--h|', '-------h|'],
      consumers: ['^-----------------!'],
      expected: '--h-------------u--',
      values: statuses,
      subscriptions: ['^-!', '------------^---!'],
    },
    {
      title: 'A check that fails, and one that says nothing, are unhealthy',
      prose: 'The report names the reason. The watcher hears of no error: it goes on to watch.',
      setup: () => watched(new HealthChecker()),
      source: ['--#', '---|', '-h|'],
      consumers: ['^--------------------------!'],
      expected: '--u------------u----------h-',
      values: statuses,
      subscriptions: ['^-!', '------------^--!', '-------------------------^!'],
    },
    {
      title: 'What is not critical does not make the whole unhealthy',
      prose: 'It makes it degraded: worth a look, but no reason to send nobody here.',
      setup: () => watched(new HealthChecker(), { critical: false }),
      source: ['--u|', '--h|'],
      consumers: ['^--------------!'],
      expected: '--d-----------h-',
      values: statuses,
      subscriptions: ['^-!', '------------^-!'],
    },
    {
      title: 'All who watch share the rounds',
      prose:
        'Whoever comes later begins with the last report, and the check does not run a second time for it.',
      setup: () => watched(new HealthChecker()),
      source: ['--h|', '--d|'],
      consumers: ['^--------!', '-------^-------!'],
      expected: ['--h-------', '-------h------d-'],
      values: statuses,
      subscriptions: ['^-!', '------------^-!'],
    },
    {
      title: 'While nobody listens, nothing runs',
      prose:
        'The last who leaves ends the check that is under way, which says nothing about its health. Whoever comes next begins anew.',
      setup: () => watched(new HealthChecker()),
      source: ['--h|', '------d|', '-d|'],
      consumers: ['^-------------!', '-------------------------^-!'],
      expected: ['--h------------', '--------------------------d-'],
      values: statuses,
      subscriptions: ['^-!', '------------^-!', '-------------------------^!'],
    },
    {
      title: 'An answer is used again until it is too old',
      prose:
        'With maxAge: 15 the second report, after 10 ms, has the answer of the first. The third asks anew.',
      setup: () => watched(new HealthChecker({ maxAge: 15 })),
      source: ['--h|', '---d|'],
      consumers: ['^-------------------------!'],
      expected: '--h---------h------------d-',
      values: statuses,
      subscriptions: ['^-!', '----------------------^--!'],
    },
    {
      title: 'Every change is an event, and nothing else is',
      prose:
        'First of the check, then of the whole, which is judged when all have answered. The third run finds what the second one found.',
      setup() {
        const events = new EventBus();
        return {
          operator: watched(new HealthChecker({ events })),
          lanes: {
            events: events
              .on('health_changed')
              .pipe(map(({ data: { check, to } }) => `${check ?? 'overall'}: ${to}`)),
          },
        };
      },
      source: ['-h|', '-u|', '-u|'],
      consumers: ['^------------------------!'],
      expected: '-h----------u----------u--',
      values: statuses,
      subscriptions: ['^!', '-----------^!', '----------------------^!'],
      lanes: {
        events: {
          expected: '-a----------(bc)',
          values: { a: 'database: healthy', b: 'database: unhealthy', c: 'overall: unhealthy' },
        },
      },
    },
  ],
};
