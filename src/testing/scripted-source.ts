import { Observable, type Subscriber } from 'rxjs';
import { clockOf, timestamp } from '../core/clock.ts';
import { complain } from './current-run.ts';
import type { Lane, Mark, SubscriptionFrames } from './lane.ts';
import { MarbleError } from './marble-error.ts';

/** A source that does what its scripts say, and knows who subscribed to it and when. */
export class ScriptedSource<T> extends Observable<T> {
  readonly #player: Player<T>;

  /** @internal */
  constructor(name: string, scripts: readonly Script[], foreseen = Number.POSITIVE_INFINITY) {
    const player = new Player<T>(name, scripts, foreseen);
    super((subscriber) => player.play(subscriber));
    this.#player = player;
  }

  /**
   * Every subscription so far: `{ subscribedFrame, unsubscribedFrame }`, the latter `Infinity` while it lasts. Frames of
   * virtual time, else milliseconds since the source was made.
   */
  get subscriptions(): SubscriptionFrames[] {
    return this.#player.subscriptions;
  }

  /** @internal What every subscription was told. */
  lanes(name: string): Lane[] {
    const { subscriptions, told } = this.#player;
    return subscriptions.map(({ subscribedFrame }, index) => ({
      name: subscriptions.length === 1 ? name : `${name} ${index + 1}`,
      from: subscribedFrame,
      marks: told[index] ?? [],
    }));
  }
}

export type Script = readonly Mark[];

/** The last one repeats. */
export function nth<T>(list: readonly T[], index: number): T | undefined {
  return list[Math.min(index, list.length - 1)];
}

class Player<T> {
  /** RxJS' own expectation compares them: nothing else must be in there. */
  readonly subscriptions: { readonly subscribedFrame: number; unsubscribedFrame: number }[] = [];
  /** What each of them has been told. */
  readonly told: Mark[][] = [];
  readonly #made = timestamp();

  constructor(
    private readonly name: string,
    private readonly scripts: readonly Script[],
    private readonly foreseen: number,
  ) {}

  play(subscriber: Subscriber<T>): void {
    const frames = { subscribedFrame: this.#now(), unsubscribedFrame: Number.POSITIVE_INFINITY };
    const attempt = this.subscriptions.push(frames);
    const told: Mark[] = [];
    this.told.push(told);
    let ended = false;
    subscriber.add(() => {
      frames.unsubscribedFrame = this.#now();
      if (!ended) told.push({ frame: frames.unsubscribedFrame, kind: 'unsubscribe' });
    });
    if (attempt > this.foreseen) {
      const complaint = `${this.name} was subscribed ${attempt} times, at last in frame ${frames.subscribedFrame}: not more than ${this.foreseen} were foreseen.`;
      complain(complaint);
      ended = true;
      return subscriber.error(new MarbleError(complaint));
    }
    const script = nth(this.scripts, attempt - 1) ?? [];
    const clock = clockOf(undefined);
    for (const mark of script) {
      const timer = clock.schedule(mark.frame, () => {
        told.push({ ...mark, frame: this.#now() });
        ended = mark.kind !== 'next';
        if (mark.kind === 'next') subscriber.next(mark.value as T);
        else if (mark.kind === 'error') subscriber.error(mark.error);
        else subscriber.complete();
      });
      subscriber.add(() => timer.cancel());
    }
  }

  /** Virtual time begins at 0, a date does not. */
  #now(): number {
    const now = timestamp();
    return now < 1e11 ? now : now - this.#made;
  }
}
