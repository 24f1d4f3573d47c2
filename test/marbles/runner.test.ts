/** A diagram that does not tell the truth says where, in marbles. */
import { BehaviorSubject, EMPTY, map, merge, mergeMap, of, retry, Subject, take, tap, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { Diagram } from '../../marbles/diagram.ts';
import { differencesOf } from '../../marbles/difference.ts';
import { chapters } from '../../marbles/index.ts';
import { ascii } from '../../marbles/picture/ascii.ts';
import { runDiagram } from '../../marbles/run-diagram.ts';

const transparent: Diagram<unknown, unknown> = {
  title: 'nothing happens',
  prose: '',
  setup: () => (source) => source,
  source: '       --a--b|',
  expected: '     --a--b|',
  subscriptions: ['^-----!'],
};
const differences = (change: Partial<Diagram<unknown, unknown>>): string | undefined =>
  differencesOf(runDiagram({ ...transparent, ...change }));

describe('a diagram that tells the truth', () => {
  test('has no differences', () => {
    expect(differences({})).toBeUndefined();
  });

  test('compares errors by name, or by value where they have none', () => {
    const failing: Partial<Diagram<unknown, unknown>> = {
      source: '--#',
      expected: '--#',
      subscriptions: ['^-!'],
    };
    expect(
      differences({ ...failing, sourceErrors: [new TypeError('x')], errors: ['TypeError'] }),
    ).toBeUndefined();
    expect(
      differences({ ...failing, sourceErrors: [{ status: 400 }], errors: [{ status: 400 }] }),
    ).toBeUndefined();
    expect(differences({ ...failing, sourceErrors: [new TypeError('x')], errors: ['RangeError'] })).toContain(
      'TypeError',
    );
  });
});

describe('a difference', () => {
  test('of a consumer shows both lines, one beneath the other, with a caret at the first one', () => {
    expect(differences({ expected: '--a----b|' })?.split('\n')).toStrictEqual([
      'result',
      '  expected  --a----b|',
      '  actual    --a--b|',
      expect.stringMatching(/^ {17}\^ /),
    ]);
  });

  test.each(['--x--b|', '--a--b', '--a--b-|', '', '--a--b#', '--a--(bb|)'])(
    'is found where a value, the end or everything is missing, and where there is too much: %s',
    (expected) => {
      expect(differences({ expected })).toContain('  actual    --a--b|');
    },
  );

  test('of a subscription says when the attempt was subscribed and unsubscribed', () => {
    const shown = differences({ subscriptions: ['^---!'] });
    expect(shown).toContain('subscription of source');
    expect(shown).toContain('  expected  ^---!');
    expect(shown).toContain('  actual    ^-----!');
    expect(differences({ subscriptions: ['^-----!', '^'] })).toContain('subscription of attempt 2');
  });

  test('of a lane says which', () => {
    const lanes = { state: { expected: 'o', values: { o: 'open' } } };
    const setup: Diagram<unknown, unknown>['setup'] = () => ({
      operator: map((it) => it),
      lanes: { state: of('closed') },
    });
    expect(differences({ setup, lanes })).toMatch(/^state\n/);
  });
});

describe('what the diagram does not foresee is an error', () => {
  test('a further attempt, with its time', () => {
    const again: Partial<Diagram<unknown, unknown>> = {
      setup: () => retry(1),
      source: '--#',
      expected: '----#',
      subscriptions: ['^-!'],
    };
    expect(() => differences(again)).toThrow(/foresees 1 attempts, but a further one was made at 2 ms/);
    expect(differences({ ...again, subscriptions: ['^-!', '--^-!'] })).toBeUndefined();
  });

  test('a lane that is watched and not expected, or expected and not watched', () => {
    const watching: Diagram<unknown, unknown>['setup'] = () => ({
      operator: map((it) => it),
      lanes: { state: EMPTY },
    });
    expect(() => differences({ setup: watching })).toThrow('"state" is watched');
    expect(() => differences({ lanes: { state: { expected: '' } } })).toThrow('"state" is expected');
  });
});

describe('a recording', () => {
  test('tells states, which are there from the start, from events', () => {
    const events = new Subject();
    const { lanes } = runDiagram({
      ...transparent,
      setup: () => ({ operator: map((it) => it), lanes: { state: of(1), events } }),
      lanes: { state: { expected: '(1|)', values: { 1: 1 } }, events: { expected: '' } },
    });
    expect(lanes.map(({ name, shows }) => ({ name, shows }))).toStrictEqual([
      { name: 'state', shows: 'state' },
      { name: 'events', shows: 'events' },
    ]);
  });

  test('shows numbers as a level, of which the last one of a millisecond counts, and whose digits need no values', () => {
    const active = new BehaviorSubject(0);
    const { lanes } = runDiagram({
      ...transparent,
      setup: () => ({
        operator: (source) =>
          source.pipe(tap({ subscribe: () => active.next(1), finalize: () => active.next(0) })),
        lanes: { active },
      }),
      lanes: { active: { expected: '1-----0' } },
    });
    expect(lanes[0]?.shows).toBe('level');
    expect(lanes[0]?.messages).toStrictEqual(lanes[0]?.expected);
  });

  test('knows for whom a second attempt runs beside the first: who was served longest ago', () => {
    const hedged: Diagram<unknown, unknown>['setup'] = () => (source) =>
      merge(source, timer(3).pipe(mergeMap(() => source))).pipe(take(1));
    const { attempts } = runDiagram({
      ...transparent,
      setup: hedged,
      source: ['------a', '------b', '--c', '--d'],
      consumers: ['^', '-^'],
      subscriptions: ['^----!', '-^----!', '---^-!', '----^-!'],
    });
    expect(attempts.map(({ consumer }) => consumer)).toStrictEqual([0, 1, 0, 1]);
  });

  test('knows for whom an attempt was made: who waits longest is served first', () => {
    const bulkhead = chapters.find(({ operator }) => operator === 'bulkhead');
    const diagram = bulkhead?.diagrams.find(
      ({ title }) => title === 'Who leaves the queue costs nobody a place',
    );
    expect(runDiagram(diagram!).attempts.map(({ consumer }) => consumer)).toStrictEqual([0, 2]);
  });

  test('is what the text shows, not what was expected', () => {
    const lying = { ...transparent, expected: '--x|', subscriptions: ['^-!'] };
    expect(ascii(runDiagram(lying)).split('\n')).toStrictEqual([
      'source      --a--b|',
      'result      --a--b|',
    ]);
  });
});
