import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Due, DueQueue } from '../../src/core/due-queue.ts';

class Entry extends Due {}

/** What is first in a list, sorted as the rules say. */
const firstOf = (entries: Iterable<Entry>): Entry | undefined =>
  [...entries].sort((one, other) => one.due - other.due || one.order - other.order)[0];

test('finds who is due first, whoever was added in turn or out of turn, and removed however often', () => {
  const steps = fc.array(fc.record({ due: fc.nat(20), removed: fc.nat(40) }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (script) => {
      const queue = new DueQueue<Entry>();
      const ever = [new Entry(0, -1)];
      const model = new Set<Entry>();
      for (const [order, { due, removed }] of script.entries()) {
        const entry = new Entry(due, order);
        queue.add(entry);
        model.add(entry);
        ever.push(entry);
        expect(queue.first).toBe(firstOf(model));
        // The first of all was never added.
        const leaver = ever[removed % ever.length] as Entry;
        queue.remove(leaver);
        model.delete(leaver);
        expect(queue.first).toBe(firstOf(model));
      }
    }),
  );
});
