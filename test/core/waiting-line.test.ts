import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Newcomer, WaitingLine, type WaitingPlace } from '../../src/core/waiting-line.ts';

const newcomer = (terms: Partial<Newcomer> = {}): Newcomer => ({
  applicant: { granted: () => {}, refused: () => {} },
  priority: 0,
  since: 0,
  patience: Number.POSITIVE_INFINITY,
  load: [1, 0],
  ...terms,
});

/** What the line should be: the simplest thing that could be right. */
interface Model {
  waiting: WaitingPlace[];
  left: number;
}

interface Real {
  line: WaitingLine;
  places: WaitingPlace[];
  left: number;
}

class Join implements fc.Command<Model, Real> {
  constructor(readonly terms: Pick<Newcomer, 'priority' | 'since' | 'patience' | 'load'>) {}
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const { since, patience, priority } = this.terms;
    const place = real.line.join(newcomer(this.terms));
    expect([place.due, place.priority]).toStrictEqual([since + patience, priority]);
    real.places.push(place);
    const behind = model.waiting.findIndex((other) => other.priority < priority);
    model.waiting.splice(behind === -1 ? model.waiting.length : behind, 0, place);
    agree(model, real);
  }
  toString = (): string => `join(${JSON.stringify(this.terms)})`;
}

class Shift implements fc.Command<Model, Real> {
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    expect(real.line.shift()).toBe(model.waiting.shift()?.applicant);
    agree(model, real);
  }
  toString = (): string => 'shift()';
}

/** Any place ever given, also one that was left or called before. */
class Leave implements fc.Command<Model, Real> {
  constructor(
    readonly which: number,
    readonly quietly: boolean,
  ) {}
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const place = real.places[this.which % real.places.length];
    if (place === undefined) return;
    const waits = model.waiting.includes(place);
    model.waiting = model.waiting.filter((other) => other !== place);
    if (waits && !this.quietly) model.left++;
    if (this.quietly) real.line.remove(place);
    else place.leave();
    agree(model, real);
  }
  toString = (): string => `${this.quietly ? 'remove' : 'leave'}(${this.which})`;
}

const PRIORITIES = [-1, 0, 2];
const sum = (places: readonly WaitingPlace[], dimension: number): number =>
  places.reduce((total, { load }) => total + (load[dimension] as number), 0);

function agree(model: Model, { line, places, left }: Real): void {
  const { waiting } = model;
  expect(line.size).toBe(waiting.length);
  expect(line.first).toBe(waiting[0]);
  expect(left).toBe(model.left);
  for (const place of places) expect(place.waiting).toBe(waiting.includes(place));
  const urgent = places
    .filter(({ waiting, due }) => waiting && due < Number.POSITIVE_INFINITY)
    .sort((one, other) => one.due - other.due);
  // Of several that are due together, who came first.
  expect(line.mostUrgent).toBe(urgent[0]);
  const lowest = waiting.at(-1);
  for (const priority of [...PRIORITIES, 1]) {
    const ahead = waiting.filter((place) => place.priority >= priority);
    expect(line.isFree(priority)).toBe(ahead.length === 0);
    expect(line.ahead(priority, [0, 0])).toStrictEqual([sum(ahead, 0), sum(ahead, 1)]);
    expect(line.outranked(priority)).toBe(lowest && lowest.priority < priority ? lowest : undefined);
  }
}

describe('a waiting line', () => {
  test('behaves like a sorted list, whoever joins, is called, or leaves from anywhere and however often', () => {
    const terms = fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      since: fc.nat({ max: 3 }),
      patience: fc.constantFrom(0, 1, 5, Number.POSITIVE_INFINITY),
      load: fc.tuple(fc.constant(1), fc.nat({ max: 9 })),
    });
    const commands = [
      terms.map((joined) => new Join(joined)),
      terms.map((joined) => new Join(joined)),
      fc.constant(new Shift()),
      fc.tuple(fc.nat(), fc.boolean()).map(([which, quietly]) => new Leave(which, quietly)),
    ];
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 60, size: 'max' }), (run) => {
        fc.modelRun(() => {
          const real: Real = { line: new WaitingLine(() => real.left++), places: [], left: 0 };
          return { model: { waiting: [], left: 0 }, real };
        }, run);
      }),
      { numRuns: 200 },
    );
  });

  test('a place that was left keeps nobody of the line alive', () => {
    const line = new WaitingLine(() => {});
    const places = Array.from({ length: 3 }, () => line.join(newcomer()));
    const [first, second, third] = places;
    second?.leave();
    line.shift();
    line.shift();
    for (const place of [first, second, third]) {
      expect(place?.next).toBeUndefined();
      expect(place?.previous).toBeUndefined();
      expect(place?.lane.first).toBeUndefined();
    }
  });

  test('the size has changed before anybody hears of a departure', () => {
    const sizes: number[] = [];
    const line = new WaitingLine(() => sizes.push(line.size));
    const places = Array.from({ length: 3 }, () => line.join(newcomer()));
    for (const place of places) place.leave();
    expect(sizes).toStrictEqual([2, 1, 0]);
  });

  test('a hundred thousand wait, each as impatient as it likes, and leave in any order', () => {
    const line = new WaitingLine(() => {});
    const places = Array.from({ length: 100_000 }, (_, index) =>
      line.join(newcomer({ priority: index % 3, patience: (index * 7_919) % 100_003 })),
    );
    const dues: number[] = [];
    for (let index = 0; index < places.length; index += 2) places[index]?.leave();
    for (let place = line.mostUrgent; place !== undefined; place = line.mostUrgent) {
      dues.push(place.due);
      line.remove(place);
    }
    expect(dues).toStrictEqual([...dues].sort((one, other) => one - other));
    expect([dues.length, line.size, line.first]).toStrictEqual([50_000, 0, undefined]);
  });
});
