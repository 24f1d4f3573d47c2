import { defer, NEVER, Observable, tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { same } from '../src/testing/same.ts';
import type { Diagram, Watched } from './diagram.ts';
import type { LaneTrack, Lifetime, Message, Recording } from './recording.ts';

/**
 * Runs a diagram in virtual time and records what happens, beside what should.
 *
 * @throws {Error} when an attempt is made that the diagram does not foresee, or its lanes are not those that are watched.
 */
export function runDiagram(diagram: Diagram<unknown, unknown>): Recording {
  const scheduler = new TestScheduler(() => {});
  return scheduler.run(({ cold, flush }) => {
    const setup = diagram.setup();
    const { operator, lanes }: Watched<unknown, unknown> =
      typeof setup === 'function' ? { operator: setup, lanes: {} } : setup;
    compareNames(Object.keys(lanes), Object.keys(diagram.lanes ?? {}));

    const sources = list(diagram.source);
    const expected = list(diagram.expected);
    const unforeseen: number[] = [];
    const consumers = (diagram.consumers ?? ['^']).map((marbles) => ({
      ...lifetime(marbles),
      messages: [] as Message[],
      attempts: new Set<{ over: boolean }>(),
      served: Number.NEGATIVE_INFINITY,
    }));
    let subscribing: number | undefined;

    /**
     * Whom an attempt is for: whoever subscribes at the moment, else who has waited longest, else whose attempt just failed.
     * If all have one that runs, it is a second one beside it: for whoever hears nothing and was served longest ago.
     */
    const inNeed = (): number => {
      const now = scheduler.now();
      const waiting = consumers.filter(
        ({ from, until, messages }) => from <= now && now < until && !hasEnded(messages),
      );
      const silent = waiting.filter(({ messages }) => messages.length === 0);
      const longest =
        waiting.find(({ attempts }) => attempts.size === 0) ??
        waiting.find(({ attempts }) => [...attempts].every(({ over }) => over)) ??
        (silent.length > 0 ? silent : waiting).toSorted((one, other) => one.served - other.served)[0];
      return subscribing ?? (longest === undefined ? -1 : consumers.indexOf(longest));
    };

    const attempts = diagram.subscriptions.map((marbles, index) => {
      const messages: Message[] = [];
      const script = cold(
        sources[Math.min(index, sources.length - 1)] ?? '',
        diagram.values,
        diagram.sourceErrors?.[index] ?? 'error',
      );
      const attempt = { script, messages, expected: lifetime(marbles), consumer: -1 };
      return { ...attempt, observed: script.pipe(recorded(messages)), owner: attempt };
    });

    let made = 0;
    const stream = defer(() => {
      const attempt = attempts[made++];
      if (attempt === undefined) {
        unforeseen.push(scheduler.now());
        return NEVER;
      }
      const index = inNeed();
      attempt.owner.consumer = index;
      const consumer = consumers[index];
      const state = { over: false };
      const over = (): void => {
        state.over = true;
      };
      if (consumer !== undefined) {
        consumer.attempts.add(state);
        consumer.served = scheduler.now();
      }
      return attempt.observed.pipe(
        tap({ error: over, complete: over, finalize: () => consumer?.attempts.delete(state) }),
      );
    }).pipe(operator);

    const watched = Object.entries(lanes).map(([name, lane]) => {
      const messages: Message[] = [];
      let state = false;
      scheduler.schedule(() => {
        lane.pipe(recorded(messages)).subscribe();
        state = messages.length > 0;
      });
      const shows = (): LaneTrack['shows'] =>
        state ? (messages.every(isNumber) ? 'level' : 'state') : 'events';
      return { name, messages, shows };
    });

    for (const [index, { from, until, messages }] of consumers.entries()) {
      const consumer = new Observable((subscriber) => {
        subscribing = index;
        try {
          stream.subscribe(subscriber);
        } finally {
          subscribing = undefined;
        }
      });
      scheduler.schedule(() => {
        const subscription = consumer.pipe(recorded(messages)).subscribe({ error() {} });
        if (until < Number.POSITIVE_INFINITY)
          scheduler.schedule(() => subscription.unsubscribe(), until - from);
      }, from);
    }
    flush();

    if (unforeseen.length > 0)
      throw new Error(
        `The diagram foresees ${attempts.length} attempts, but a further one was made at ${unforeseen.map((frame) => `${frame} ms`).join(', ')}. Add it to "subscriptions".`,
      );
    return {
      values: diagram.values ?? {},
      attempts: attempts.map(({ script, messages, expected, owner }, index) => {
        const { subscribedFrame, unsubscribedFrame } = script.subscriptions[0] ?? NEVER_MADE;
        return {
          kind: 'attempt',
          name: attempts.length === 1 ? 'source' : `attempt ${index + 1}`,
          from: subscribedFrame,
          until: unsubscribedFrame,
          messages,
          consumer: owner.consumer < 0 ? undefined : owner.consumer,
          expected,
        };
      }),
      consumers: consumers.map(({ from, until, messages }, index) => ({
        kind: 'consumer',
        name: consumers.length === 1 ? 'result' : `consumer ${index + 1}`,
        from,
        until: Math.min(until, messages.find(({ kind }) => kind !== 'next')?.frame ?? until),
        messages,
        expected: parsed(expected[index] ?? '', diagram.values, diagram.errors?.[index] ?? 'error'),
      })),
      lanes: watched.map(({ name, messages, shows }) => {
        const { expected: marbles = '', values } = diagram.lanes?.[name] ?? {};
        const meanings = values ?? (shows() === 'level' ? DIGITS : undefined);
        return {
          kind: 'lane',
          name,
          messages: shows() === 'level' ? settled(messages) : messages,
          values: meanings ?? {},
          expected: parsed(marbles, meanings, 'error'),
          shows: shows(),
        };
      }),
    };

    function recorded(messages: Message[]) {
      const record = (message: Message): void => {
        messages.push(message);
      };
      return tap<unknown>({
        next: (value) => record({ frame: scheduler.now(), kind: 'next', value }),
        error: (error: unknown) => record({ frame: scheduler.now(), kind: 'error', error }),
        complete: () => record({ frame: scheduler.now(), kind: 'complete' }),
      });
    }
  });
}

const NEVER_MADE = { subscribedFrame: Number.POSITIVE_INFINITY, unsubscribedFrame: Number.POSITIVE_INFINITY };

const list = (marbles: string | readonly string[]): readonly string[] =>
  typeof marbles === 'string' ? [marbles] : marbles;

/** What a level is at the end of each millisecond in which it changes: what it was in between is over. */
function settled(messages: readonly Message[]): Message[] {
  const levels: Message[] = [];
  for (const [index, message] of messages.entries()) {
    const last = messages[index + 1]?.frame !== message.frame;
    const before = levels.at(-1);
    if (last && !(before && message.kind === 'next' && same(before, { ...message, frame: before.frame })))
      levels.push(message);
  }
  return levels;
}

/** In a lane of numbers a digit is a number. */
const DIGITS = Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [digit, digit]));

const isNumber = (message: Message): boolean => message.kind === 'next' && typeof message.value === 'number';

const hasEnded = (messages: readonly Message[]): boolean => messages.some(({ kind }) => kind !== 'next');

function compareNames(watched: readonly string[], expected: readonly string[]): void {
  for (const name of watched)
    if (!expected.includes(name))
      throw new Error(`The lane "${name}" is watched, but nothing is expected of it.`);
  for (const name of expected)
    if (!watched.includes(name))
      throw new Error(`The lane "${name}" is expected, but "setup" does not watch it.`);
}

function lifetime(marbles: string): Lifetime {
  const { subscribedFrame, unsubscribedFrame } = TestScheduler.parseMarblesAsSubscriptions(marbles, true);
  return { from: subscribedFrame, until: unsubscribedFrame };
}

function parsed(
  marbles: string,
  values: Readonly<Record<string, unknown>> | undefined,
  error: unknown,
): Message[] {
  return TestScheduler.parseMarbles(marbles, values, error, false, true).map(({ frame, notification }) => {
    if (notification.kind === 'N') return { frame, kind: 'next', value: notification.value };
    return notification.kind === 'E'
      ? { frame, kind: 'error', error: notification.error }
      : { frame, kind: 'complete' };
  });
}
