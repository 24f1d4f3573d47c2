import { Subscriber } from 'rxjs';
import { withhold } from '../core/error-summary.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { ProviderError } from './errors.ts';
import type { AttemptOutcome } from './ledger.ts';
import { Seam } from './seam.ts';
import { WholeCharacters } from './whole-characters.ts';

type Finish = Extract<ChatChunk, { type: 'finish' }>;

/** Who follows the attempts of one call. */
export interface Listener {
  /** Everything that the provider says, as it comes. */
  hears(chunk: ChatChunk): void;
  /** The attempt is about to say its first word. Answers with the marks that have to come before it. */
  speaks(): readonly ChatChunk[];
  /** Answers with what is to be delivered in its place. */
  delivers(chunk: ChatChunk): ChatChunk;
  /** Asked before the finish: what is wrong with the answer that it ends, if anything is. */
  objection(finish: Finish): ProviderError | undefined;
  /** Once, and before downstream hears of the end. */
  ended(outcome: AttemptOutcome, error?: unknown): void;
}

/** How much a provider may send before its first word: what is held back must not fill the memory. */
const LONGEST_PREAMBLE = 1_000;

/**
 * One attempt. What comes before its first content is held back until then, so an attempt that fails early leaves nothing
 * behind: not the name of a tool that is never called, not a switch to a provider that never speaks. It is whole when
 * `finish` has come, and then nothing more is waited for; without it the answer is truncated.
 *
 * With `said`, it goes on with that text, and what it repeats of it is left out.
 */
export class AttemptSubscriber extends Subscriber<ChatChunk> {
  private preamble: ChatChunk[] | undefined = [];
  private finished = false;
  private ended = false;
  private seam: Seam | undefined;
  private readonly characters = new WholeCharacters();

  constructor(
    private readonly downstream: Subscriber<ChatChunk>,
    private readonly provider: string,
    private readonly listener: Listener,
    private readonly said: string | undefined,
  ) {
    super(downstream);
    this.seam = said === undefined ? undefined : new Seam(said);
  }

  /** Whether all that came has been delivered. */
  get settled(): boolean {
    return this.preamble === undefined && this.seam === undefined && this.characters.settled;
  }

  override next(chunk: ChatChunk): void {
    if (this.isStopped) return;
    this.listener.hears(chunk);
    for (const piece of this.characters.add(chunk)) this.read(piece);
  }

  private read(chunk: ChatChunk): void {
    if (this.isStopped) return;
    if (this.seam === undefined || chunk.type === 'reasoning') return this.accept(chunk);
    if (chunk.type === 'text') return this.acceptText(this.seam.add(chunk.text));
    if (chunk.type === 'finish' || isContent(chunk)) this.acceptText(this.seam.end());
    this.accept(chunk);
  }

  protected override _error(error: unknown): void {
    this.end('failed', error);
    // Whoever hears of the end may have cancelled there and then.
    if (!this.closed) super._error(error);
  }

  protected override _complete(): void {
    if (!this.finished) {
      const error = this.failure('truncated', 'completed without a "finish" chunk: the answer is not whole.');
      return this._error(error);
    }
    this.end('completed');
    if (!this.closed) super._complete();
  }

  override unsubscribe(): void {
    this.end('cancelled');
    super.unsubscribe();
  }

  /** @param text what is new behind the seam, as soon as that is known. */
  private acceptText(text: string | undefined): void {
    if (text === undefined) return;
    this.seam = undefined;
    if (text !== '') this.accept({ type: 'text', text });
  }

  private accept(chunk: ChatChunk): void {
    if (this.isStopped) return;
    if (this.preamble !== undefined) {
      if (chunk.type !== 'finish' && !isContent(chunk)) return this.hold(chunk, this.preamble);
      this.speak(this.preamble);
    }
    if (chunk.type === 'finish') return this.finish(chunk);
    this.deliver(chunk);
    // It takes back its own part only: what it continued was not its to take.
    if (chunk.type === 'retract' && this.said !== undefined) {
      this.deliver({ type: 'text', text: this.said });
      this.seam = new Seam(this.said);
    }
  }

  private hold(chunk: ChatChunk, preamble: ChatChunk[]): void {
    if (chunk.type === 'text' || chunk.type === 'reasoning' || chunk.type === 'retract') return;
    if (preamble.push(chunk) > LONGEST_PREAMBLE)
      this.error(this.failure('malformed', `sent more than ${LONGEST_PREAMBLE} chunks before any content.`));
  }

  private speak(preamble: readonly ChatChunk[]): void {
    this.preamble = undefined;
    for (const mark of this.listener.speaks()) this.deliver(mark);
    for (const held of preamble) this.deliver(held);
  }

  private finish(finish: Finish): void {
    if (this.isStopped) return;
    const objection = this.listener.objection(finish);
    if (objection !== undefined) return this.error(objection);
    this.deliver(finish);
    this.finished = true;
    this.complete();
  }

  private deliver(chunk: ChatChunk): void {
    // Downstream may have cancelled at the chunk before.
    if (this.isStopped) return;
    this.downstream.next(this.listener.delivers(chunk));
  }

  private end(outcome: AttemptOutcome, error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    // Whatever a provider throws may quote the conversation.
    withhold(error);
    this.listener.ended(outcome, error);
  }

  private failure(kind: 'truncated' | 'malformed', happened: string): ProviderError {
    const { provider } = this;
    return new ProviderError(`Provider "${provider}" ${happened}`, { kind, provider });
  }
}
