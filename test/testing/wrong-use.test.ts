/** Whoever uses the kit in a way that could not fail, or not for the right reason, is told so. */
import { from, interval, of, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  expectEvents,
  expectNoLeaks,
  faultSchedule,
  flaky,
  MarbleError,
  type MarbleHelpers,
  marbleMatchers,
  recordEvents,
  renderMarbles,
  runMarbles,
  scriptedProvider,
  seededRandom,
} from '../../src/testing/index.ts';

/** Whoever writes JavaScript is not held back by types. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point
type Untyped = any;

/** In a run, beside an expectation that holds. */
const inRun = (use: (helpers: Untyped) => unknown) => () =>
  runMarbles((helpers: MarbleHelpers) => {
    helpers.expectObservable(of('a')).toBe('(a|)');
    return use(helpers);
  });

const schedule = (change: object): unknown =>
  faultSchedule({ attempts: 3, rate: 0.5, answer: '-a|', random: seededRandom(1), ...change });

describe('a source is refused', () => {
  it.each([
    [() => (flaky as Untyped)(), 'flaky needs at least one script.'],
    [() => flaky([], {}), 'flaky needs at least one script.'],
    [() => (flaky as Untyped)(5), 'flaky takes marbles, or a list of them and then options'],
    [() => (flaky as Untyped)('-a|', { attempts: 1 }), 'It was given {"attempts":1}.'],
    [() => (flaky as Untyped)(['-a|', undefined]), 'It was given undefined.'],
    [
      () => (flaky as Untyped)(['#'], { errors: 'broken' }),
      'flaky: option "errors" must be a list, one error a script',
    ],
    [() => (flaky as Untyped)(['#'], { error: ['broken'] }), 'flaky: unknown option "error"'],
    [() => flaky(['#'], { attempts: 0 }), 'option "attempts" must be a whole number of at least 1, got 0'],
    [() => flaky('--a 500ms|'), 'contain "500ms|", which would be read as letters'],
    [() => flaky('--a 500 ms |'), 'contain "500 ms", which would be read as letters'],
    [() => flaky('-a\n-b|'), 'contain white space that is no space'],
    [() => (scriptedProvider as Untyped)(), 'scriptedProvider needs at least one script.'],
    [
      () => scriptedProvider(['#'], { errors: ['overlaoded'] }),
      /^scriptedProvider: option "errors.0" must be an error, or a kind of ProviderError: rate-limit, .*, got "overlaoded"$/,
    ],
    [() => (seededRandom as Untyped)(), 'seededRandom needs a whole number, and was given undefined.'],
    [() => seededRandom(0.5), 'seededRandom needs a whole number, and was given 0.5.'],
    [() => schedule({ random: undefined }), 'faultSchedule: option "random" must be a function'],
    [() => schedule({ answer: '(a' }), 'The marbles "(a" open a group that is not closed.'],
    [() => schedule({ answer: undefined }), 'faultSchedule: option "answer" must be marbles'],
    [() => schedule({ rates: 1 }), 'faultSchedule: unknown option "rates"'],
  ])('%o', (use, message) => {
    expect(use).toThrow(message);
  });
});

describe('an expectation is refused', () => {
  it.each([
    [
      (helpers) => helpers.expectObservable(Promise.resolve(1)),
      'was given a Promise. Promises do not resolve in virtual time',
    ],
    [(helpers) => helpers.expectObservable(undefined), 'looks at an Observable, and was given undefined.'],
    [
      (helpers) => helpers.expectObservable(of(1)).toBe(),
      "Marbles are a string such as '--a--|', and were undefined.",
    ],
    [(helpers) => helpers.expectObservable(timer(500)).toBe('500ms(a|)'), 'contain "500ms(a|)"'],
    [(helpers) => helpers.expectSubscriptions(of(1)), 'looks at a source that knows who subscribed to it'],
    [(helpers) => helpers.expectSubscriptions(undefined), 'and was given undefined.'],
    [(helpers) => helpers.expectSubscriptions(flaky('a')).toBe(undefined), 'Marbles are a string'],
    [(helpers) => helpers.expectEvents(new EventBus()), 'Events are expected as a list'],
    [(helpers) => helpers.expectEvents(new EventBus(), 'retry_attempted'), 'and not as "retry_attempted".'],
    [
      (helpers) => helpers.expectEvents(undefined, []),
      'Events are heard from a bus, such as getEventBus(), and not from undefined.',
    ],
    [
      (helpers) => helpers.expectEvents(new EventBus(), ['retry_atempted']),
      'There is no event of the type "retry_atempted". Did you mean retry_attempted or retry_exhausted?',
    ],
    [
      (helpers) => helpers.expectEvents(new EventBus(), [{ source: 'x' }]),
      'There is no event of the type undefined.',
    ],
    [(helpers) => helpers.expectNoLeaks(undefined), 'expectNoLeaks cannot look into subject 1 (undefined)'],
    [(helpers) => helpers.expectNoLeaks(bulkhead()), 'An operator keeps what it was made of for itself'],
    [() => recordEvents(undefined as Untyped), 'Events are heard from a bus'],
    [
      () => new TestScheduler(() => {}).run(() => {}),
      'A TestScheduler.run inside of the marble run has taken its clock away.',
    ],
  ] as [(helpers: Untyped) => unknown, string][])('in a run: %o', (use, message) => {
    expect(inRun(use)).toThrow(message);
  });

  it.each([
    [() => expectEvents(new EventBus() as Untyped, []), 'takes what recordEvents(bus) has recorded'],
    [() => expectNoLeaks(), 'expectNoLeaks was given nothing to look into.'],
    [() => expectNoLeaks({}), 'expectNoLeaks cannot look into subject 1 ({})'],
    [() => (runMarbles as Untyped)(), 'A marble run takes a callback, and was given undefined.'],
    [
      () => runMarbles(() => {}, { maxTasks: 0 }),
      'option "maxTasks" must be a whole number of at least 1, got 0',
    ],
    [() => runMarbles(() => {}, { maxTask: 1 } as Untyped), 'A marble run: unknown option "maxTask"'],
    [() => renderMarbles(() => of(1) as Untyped), 'return an object such as { answer: stream }'],
    [() => renderMarbles(() => [of(1)] as Untyped), 'return an object such as { answer: stream }'],
    [() => renderMarbles((async () => ({})) as Untyped), 'returned a promise'],
  ])('outside of one: %o', (use, message) => {
    expect(use).toThrow(message);
  });
});

it('a stream that shows nothing may wait for a promise, and the difference says so', () => {
  expect(inRun(({ expectObservable }) => expectObservable(from(Promise.resolve('a'))).toBe('(a|)'))).toThrow(
    'promises do not resolve in virtual time',
  );
});

describe('a mistake is no difference that .not would be content with:', () => {
  it.each([
    ['marbles that mean nothing', () => marbleMatchers.toShowMarbles(of(1), '(a')],
    ['no stream', () => marbleMatchers.toShowMarbles(5 as Untyped, '-a|')],
    ['a stream that never ends', () => marbleMatchers.toShowMarbles(interval(1), '-a|')],
    ['a matcher inside a run', inRun(() => marbleMatchers.toShowMarbles(of('a'), '(a|)'))],
    ['a source that is subscribed too often', () => marbleMatchers.toShowMarbles(twice(), '-a|')],
    ['no such event', () => marbleMatchers.toHaveEvents(recordEvents(new EventBus()), ['x' as Untyped])],
    ['nothing to look into', () => marbleMatchers.toHaveNoLeaks({})],
  ])('%s', (_, use) => {
    expect(use).toThrow(MarbleError);
  });

  it('while a difference is one', () => {
    expect(marbleMatchers.toShowMarbles(of('a'), '(b|)').pass).toBe(false);
    expect(marbleMatchers.toHaveEvents(recordEvents(new EventBus()), ['timed_out']).pass).toBe(false);
    const breaker = new CircuitBreaker();
    breaker.acquire();
    expect(marbleMatchers.toHaveNoLeaks(breaker).pass).toBe(false);
  });
});

/** Subscribed once more than is foreseen. */
function twice() {
  const source = flaky(['-a|'], { attempts: 1 });
  source.subscribe();
  return source;
}
