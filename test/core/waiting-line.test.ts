import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Applicant } from '../../src/core/lease.ts';
import { WaitingLine, type WaitingPlace } from '../../src/core/waiting-line.ts';

const applicant = (): Applicant => ({ granted: () => {}, refused: () => {} });

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
  constructor(readonly since: number) {}
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const place = real.line.join(applicant(), this.since);
    expect(place.since).toBe(this.since);
    real.places.push(place);
    model.waiting.push(place);
    agree(model, real);
  }
  toString = (): string => `join(${this.since})`;
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

function agree(model: Model, { line, places, left }: Real): void {
  expect(line.size).toBe(model.waiting.length);
  expect(line.first).toBe(model.waiting[0]);
  expect(left).toBe(model.left);
  const forward: WaitingPlace[] = [];
  for (let place = line.first; place !== undefined; place = place.next) forward.push(place);
  expect(forward).toStrictEqual(model.waiting);
  for (const [index, place] of model.waiting.entries()) expect(place.previous).toBe(model.waiting[index - 1]);
  for (const place of places) expect(place.waiting).toBe(model.waiting.includes(place));
}

describe('a waiting line', () => {
  test('behaves like a list, whoever joins, is called, or leaves from anywhere and however often', () => {
    const commands = [
      fc.nat({ max: 1_000 }).map((since) => new Join(since)),
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
      { numRuns: 300 },
    );
  });

  test('a place that was left keeps nobody of the line alive', () => {
    const line = new WaitingLine(() => {});
    const places = Array.from({ length: 3 }, () => line.join(applicant(), 0));
    const [first, second, third] = places;
    second?.leave();
    line.shift();
    line.shift();
    for (const place of [first, second, third]) {
      expect(place?.next).toBeUndefined();
      expect(place?.previous).toBeUndefined();
    }
  });

  test('the size has changed before anybody hears of a departure', () => {
    const sizes: number[] = [];
    const line = new WaitingLine(() => sizes.push(line.size));
    const places = Array.from({ length: 3 }, () => line.join(applicant(), 0));
    for (const place of places) place.leave();
    expect(sizes).toStrictEqual([2, 1, 0]);
  });
});
