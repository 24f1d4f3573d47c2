import { Subject } from 'rxjs';
import { CallScope, within } from '../src/core/scope.ts';
import { EventBus, jsonLinesSink } from '../src/index.ts';
import type { Contestant } from './measure.ts';

const EVENTS = 1_000_000;
/** With listeners an event is made, and its error written down: fewer are enough. */
const HEARD = 100_000;

const error = new Error('503', { cause: new TypeError('fetch failed') });

function announcing(name: string, events: number, bus: EventBus): Contestant {
  return {
    name,
    run() {
      within(CallScope.open(), () => {
        for (let delay = 0; delay < events; delay++)
          bus.publish('retry_attempted', 'prices', { attempt: 1, delay, error });
      });
      return events;
    },
  };
}

const heard = new EventBus();
heard.subscribe();

const written = new EventBus();
written.subscribe(jsonLinesSink(() => {}, { maxQueue: HEARD, events: written }));

const nobody = new Subject<object>();

/** What a policy pays for an event, as a retry announces it. */
export const events = {
  silent: announcing('an event that nobody hears', EVENTS, new EventBus()),
  subject: {
    name: 'rxjs Subject without an observer',
    run() {
      for (let delay = 0; delay < EVENTS; delay++) nobody.next({ attempt: 1, delay, error });
      return EVENTS;
    },
  },
  heard: announcing('an event that one listener hears', HEARD, heard),
  written: announcing('an event that is put into a queue to be written', HEARD, written),
} satisfies Record<string, Contestant>;
