import { defer, type ObservableNotification } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { Diagram, Watched } from './diagram.ts';

interface Message {
  readonly frame: number;
  readonly notification: ObservableNotification<unknown>;
}

interface LaneResult {
  readonly name: string;
  readonly expected: readonly unknown[];
  readonly actual: readonly unknown[];
}

/**
 * Runs a diagram in virtual time.
 *
 * @returns every lane with what it should show and what it did show; equal lanes mean that the diagram tells the truth.
 */
export function runDiagram(diagram: Diagram<unknown, unknown>): LaneResult[] {
  const results: LaneResult[] = [];
  const scheduler = new TestScheduler((actual, expected) => {
    results.push({ name: names.shift() ?? '', actual: normalise(actual), expected: normalise(expected) });
  });
  const names: string[] = [];

  scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
    const setup = diagram.setup();
    const { operator, lanes }: Watched<unknown, unknown> =
      typeof setup === 'function' ? { operator: setup, lanes: {} } : setup;
    const marbles = typeof diagram.source === 'string' ? [diagram.source] : diagram.source;
    const attempts = diagram.subscriptions.map((_, index) =>
      cold(
        marbles[Math.min(index, marbles.length - 1)] ?? '',
        diagram.values,
        diagram.sourceErrors?.[index] ?? 'error',
      ),
    );
    let subscribed = 0;
    const stream = defer(() => {
      const attempt = attempts[subscribed++];
      if (attempt === undefined) throw new Error(`attempt ${subscribed} was not foreseen`);
      return attempt;
    }).pipe(operator);

    const expected = typeof diagram.expected === 'string' ? [diagram.expected] : diagram.expected;
    for (const [name, lane] of Object.entries(lanes)) {
      const wanted = diagram.lanes?.[name];
      if (wanted === undefined) throw new Error(`lane "${name}" is watched but not expected`);
      names.push(name);
      expectObservable(lane).toBe(wanted.expected, wanted.values);
    }
    for (const [index, consumer] of (diagram.consumers ?? ['^']).entries()) {
      names.push(`consumer ${index + 1}`);
      expectObservable(stream, consumer).toBe(
        expected[index] ?? '',
        diagram.values,
        diagram.errors?.[index] ?? 'error',
      );
    }
    for (const [index, subscription] of diagram.subscriptions.entries()) {
      names.push(`attempt ${index + 1}`);
      const attempt = attempts[index];
      if (attempt) expectSubscriptions(attempt.subscriptions).toBe(subscription === '' ? [] : subscription);
    }
  });
  return results;
}

/** Errors are compared by name: their texts are for people and have tests of their own. */
function normalise(messages: readonly unknown[]): unknown[] {
  return messages.map((message) => {
    if (!isMessage(message) || message.notification.kind !== 'E') return message;
    const error: unknown = message.notification.error;
    return { frame: message.frame, error: error instanceof Error ? error.name : error };
  });
}

function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'notification' in message;
}
