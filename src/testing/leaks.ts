import { refuseInsideRun } from './current-run.ts';
import type { SubscriptionFrames } from './lane.ts';
import { written } from './letters.ts';
import { MarbleDifference, MarbleError } from './marble-error.ts';

/** Whatever knows of itself what is still open. A shared policy, a provider, a scripted source, a Subject. */
export interface Leakable {
  readonly name?: string;
  /** Leases that are out. */
  readonly activeCount?: number;
  /** Attempts that wait for one. */
  readonly queueSize?: number;
  readonly stats?: { readonly activeCount?: number; readonly active?: number };
  readonly subscriptions?: readonly SubscriptionFrames[];
  /** Whether a Subject has listeners. */
  readonly observed?: boolean;
}

/**
 * Throws if a policy has leases out or attempts in its line, a scripted source is still subscribed, or a Subject still has
 * listeners. Inside `runMarbles` take its helper of the same name: it checks at the end, and timers as well.
 *
 * Under fake timers `vi.getTimerCount()` tells which timers are left.
 *
 * @throws {MarbleError} naming everything that is open; also for a subject that has nothing to tell.
 *
 * @example
 * ```ts
 * const pool = new Bulkhead({ name: 'pool' });
 * await lastValueFrom(source.pipe(bulkhead(pool)));
 * expectNoLeaks(pool, source);
 * ```
 */
export function expectNoLeaks(...subjects: readonly Leakable[]): void {
  refuseInsideRun('expectNoLeaks');
  if (subjects.length === 0) throw new MarbleError('expectNoLeaks was given nothing to look into.');
  const leaks = leaksOf(subjects);
  if (leaks.length > 0) throw new MarbleDifference(leaks.join('\n'));
}

export function leaksOf(subjects: readonly Leakable[]): string[] {
  return subjects.flatMap((subject, index) => {
    const name = nameOf(subject) ?? `subject ${index + 1}`;
    const counts = openIn(subject ?? {}).filter(([open]) => open !== undefined);
    if (counts.length === 0)
      throw new MarbleError(
        `expectNoLeaks cannot look into ${name} (${written(subject)}): it takes policies, providers, scripted sources and Subjects.${typeof subject === 'function' ? HINT : ''}`,
      );
    return counts
      .filter(([open]) => open !== 0 && open !== false)
      .map(([open, what]) => `leak: ${name} has ${what}${open === true ? '' : `: ${open}`}.`);
  });
}

const HINT = ' An operator keeps what it was made of for itself: make its policy, and give it to both.';

const nameOf = (subject: Leakable | undefined): string | undefined =>
  typeof subject?.name === 'string' && subject.name !== '' ? `"${subject.name}"` : undefined;

function openIn({
  activeCount,
  queueSize,
  stats,
  subscriptions,
  observed,
}: Leakable): [open: number | boolean | undefined, what: string][] {
  return [
    [activeCount ?? stats?.activeCount, 'leases out'],
    [queueSize, 'attempts waiting in line'],
    [stats?.active, 'calls under way'],
    [openOnes(subscriptions), 'subscriptions open'],
    [observed, 'listeners'],
  ];
}

function openOnes(subscriptions: readonly SubscriptionFrames[] | undefined): number | undefined {
  return subscriptions?.filter(({ unsubscribedFrame }) => !Number.isFinite(unsubscribedFrame)).length;
}
