import type { Observable } from 'rxjs';
import { AttemptSubscriber } from './attempt-subscriber.ts';
import { ResilienceError } from './errors.ts';
import { type RecoveredStream, type Recovery, recovering } from './recovery.ts';
import { type CallScope, within } from './scope.ts';

/** How many values an attempt may send before one that commits: what is held back must not fill the memory. */
const MOST_HELD = 1_000;

/**
 * The commit rule for attempts that race: what does not commit is held back, and downstream hears of nobody but the first
 * to commit. Apart from `recovering`, so that a program which only tries again does not load it.
 */
export const racing = <T>(source: Observable<T>, begin: () => Recovery<T>): Observable<T> =>
  recovering(source, begin, (stream) => new Race(stream));

/**
 * Attempts side by side. The first to commit has won: the others are unsubscribed, and then its values are delivered. An
 * attempt that completes before it commits cannot win; but where nobody does, the stream completes as the first of these.
 */
export class Race<T> {
  private readonly runners = new Set<Runner<T>>();
  /** What the first attempt that has completed leaves. */
  private left: readonly T[] | undefined;

  constructor(private readonly stream: RecoveredStream<T>) {
    // Before RxJS ends one after the other.
    stream.downstream.add(() => this.end());
  }

  /** How many may still win, or have completed. */
  get rivals(): number {
    return this.runners.size + (this.left === undefined ? 0 : 1);
  }

  /** @returns a rival that joins it at once. */
  join(source: Observable<T>, scope: CallScope, number: number): Observable<T> | undefined {
    const runner = new Runner(this.stream, scope, this, number);
    this.runners.add(runner);
    runner.begin(source);
    if (!scope.waiting) return this.rivalOf(runner);
    // Whoever waits in a line of our own is not late: it has not begun.
    scope.onBegin = () => this.stream.run(this.rivalOf(runner));
    return undefined;
  }

  /** Nobody, if the attempt has ended already, or the race has. */
  private rivalOf(runner: Runner<T>): Observable<T> | undefined {
    const { stream } = this;
    return this.runners.has(runner)
      ? stream.answer(runner.scope, () => stream.recovery.rival?.())
      : undefined;
  }

  win(runner: Runner<T>): void {
    const { downstream, recovery, scope } = this.stream;
    this.stream.committed = true;
    scope.settle(runner.scope);
    this.leave(runner);
    const losers = Array.from(this.runners, ({ number }) => number);
    this.end();
    // The end of the others may have been the end of this stream.
    if (!downstream.closed) within(runner.scope, () => recovery.won?.(runner.number, losers));
  }

  leave(runner: Runner<T>): void {
    this.runners.delete(runner);
  }

  complete(runner: Runner<T>, held: readonly T[]): void {
    this.leave(runner);
    this.left ??= held;
    this.stream.goOn();
  }

  /** Completes the stream if nobody is left who could win. */
  settle(): void {
    const { left } = this;
    if (left === undefined || this.runners.size > 0) return;
    this.end();
    const { downstream } = this.stream;
    within(undefined, () => {
      for (const value of left) downstream.next(value);
      downstream.complete();
    });
  }

  /** Sends everybody away: first whoever waits in a line, for the places of those who run are for others. */
  end(): void {
    this.left = undefined;
    this.stream.forget();
    const waitingFirst = [...this.runners].sort((one, other) => Number(other.waits) - Number(one.waits));
    for (const runner of waitingFirst) runner.tearDown();
    this.runners.clear();
  }
}

/** One attempt of a race. What it says is held back until it has won. */
class Runner<T> extends AttemptSubscriber<T> {
  private held: T[] | undefined = [];
  private winning = false;
  /** How it has ended while its values were being delivered. */
  private ending: (() => void) | undefined;

  constructor(
    stream: RecoveredStream<T>,
    scope: CallScope,
    private readonly race: Race<T>,
    readonly number: number,
  ) {
    super(stream, scope);
  }

  /** Whether it stands in a line. */
  get waits(): boolean {
    return this.scope.latest.waiting;
  }

  override next(value: T): void {
    const { held } = this;
    if (held === undefined || this.isStopped) return super.next(value);
    held.push(value);
    // It speaks while the others are sent away, or while what it has said is delivered.
    if (this.winning) return;
    const commits = this.commits(value);
    if (this.isStopped) return;
    if (commits) this.win(held);
    else if (held.length === MOST_HELD) this.fail(tooLong(), false);
  }

  protected override _error(error: unknown): void {
    if (this.winning && this.held !== undefined) this.ending = () => super._error(error);
    else super._error(error);
  }

  protected override _complete(): void {
    const { held } = this;
    if (held === undefined) return super._complete();
    if (this.winning) {
      this.ending = () => super._complete();
      return;
    }
    this.tearDown();
    this.race.complete(this, held);
  }

  protected override fail(error: unknown, final: boolean): void {
    this.race.leave(this);
    super.fail(error, final);
  }

  override unsubscribe(): void {
    this.held = undefined;
    super.unsubscribe();
  }

  private win(held: readonly T[]): void {
    this.winning = true;
    this.race.win(this);
    for (const value of held) if (!this.closed) this.deliver(value);
    this.held = undefined;
    if (!this.closed) this.ending?.();
  }
}

const tooLong = (): ResilienceError =>
  new ResilienceError(
    `The attempt sent ${MOST_HELD} values, and none that commits: "commitOn" has to say yes to one of them.`,
  );
