import { EventEmitter } from 'node:events';
import { Subject } from 'rxjs';
import { CallScope, within } from '../../src/core/scope.ts';
import { EventBus, jsonLinesSink } from '../../src/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

const error = new Error('503', { cause: new TypeError('fetch failed') });

interface Listening {
  /** Events that it has heard so far, once all of them have got there. */
  heard(): number | Promise<number>;
}
const nobody: Listening = { heard: () => 0 };

function sending(name: string, events: number, send: () => void, to: Listening): Contestant {
  const expected = to === nobody ? 0 : events;
  return timed(name, async () => {
    const before = await to.heard();
    send();
    const heard = (await to.heard()) - before;
    if (heard !== expected) throw new Error(`${name}: ${heard} of ${expected} events were heard`);
    return events;
  });
}

/** Announces as a retry does. */
function announcing(name: string, events: number, bus: EventBus, to: Listening): Contestant {
  const announce = () => {
    for (let delay = 0; delay < events; delay++)
      bus.publish('retry_attempted', 'prices', { attempt: 1, delay, error });
  };
  return sending(name, events, () => within(CallScope.open(), announce), to);
}

/** The least that can be done with an object that has to get to somebody. */
function handing(name: string, events: number, hand: (event: object) => unknown, to: Listening): Contestant {
  const handAll = () => {
    for (let delay = 0; delay < events; delay++) hand({ attempt: 1, delay, error });
  };
  return sending(name, events, handAll, to);
}

class Listener implements Listening {
  #heard = 0;
  readonly listen = (): void => void this.#heard++;
  heard = () => this.#heard;
}

export const tables = [
  table({
    title: 'An event that nobody hears',
    about: 'A policy announces a retry and its error, 1 000 000 times.',
    unit: 'ns',
    contestants(short) {
      const events = short ? 100 : 1_000_000;
      const subject = new Subject<object>();
      const emitter = new EventEmitter();
      return {
        ours: announcing('EventBus', events, new EventBus(), nobody),
        subject: handing('rxjs Subject', events, (event) => subject.next(event), nobody),
        emitter: handing('node EventEmitter', events, (event) => emitter.emit('event', event), nobody),
      };
    },
    comparisons: { 'event.vsSubject': { of: 'ours', to: 'subject' } },
  }),
  table({
    title: 'An event that somebody hears',
    about:
      'The same, 20 000 times. The bus adds the time, the call and the attempt, and writes the error and its cause down; the others hand on the object.',
    unit: 'ns',
    contestants(short) {
      const events = short ? 100 : 20_000;
      const [busy, subscribed, listening] = [new Listener(), new Listener(), new Listener()];
      const bus = new EventBus();
      bus.subscribe(busy.listen);
      const written = new EventBus();
      const sink = jsonLinesSink(() => {}, { maxQueue: events, events: written });
      written.subscribe(sink);
      const lines = { heard: () => sink.flush().then(() => sink.writtenCount) };
      const subject = new Subject<object>();
      subject.subscribe(subscribed.listen);
      const emitter = new EventEmitter().on('event', listening.listen);
      return {
        ours: announcing('EventBus with one listener', events, bus, busy),
        written: announcing('EventBus with a jsonLinesSink, written as a line', events, written, lines),
        subject: handing(
          'rxjs Subject with one observer',
          events,
          (event) => subject.next(event),
          subscribed,
        ),
        emitter: handing(
          'node EventEmitter with one listener',
          events,
          (event) => emitter.emit('event', event),
          listening,
        ),
      };
    },
    comparisons: { 'event.heard': { of: 'ours' }, 'event.written': { of: 'written' } },
  }),
];
