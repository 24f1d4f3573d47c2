import { Subscriber } from 'rxjs';
import { type ChatChunk, isContent } from './chunk.ts';
import { ProviderError } from './errors.ts';

/** Who follows the attempts of one call. */
export interface Listener {
  /** The attempt is about to say its first word. Answers with the marks that have to come before it. */
  speaks(): readonly ChatChunk[];
  delivers(chunk: ChatChunk): void;
}

/** How much a provider may send before its first word: what is held back must not fill the memory. */
const LONGEST_PREAMBLE = 1_000;

/**
 * One attempt. What comes before its first content is held back until then, so an attempt that fails early leaves nothing
 * behind: not the name of a tool that is never called, not a switch to a provider that never speaks. It is whole when
 * `finish` has come, and then nothing more is waited for; without it the answer is truncated.
 */
export class AttemptSubscriber extends Subscriber<ChatChunk> {
  private preamble: ChatChunk[] | undefined = [];
  private finished = false;

  constructor(
    private readonly downstream: Subscriber<ChatChunk>,
    private readonly provider: string,
    private readonly listener: Listener,
  ) {
    super(downstream);
  }

  override next(chunk: ChatChunk): void {
    if (this.isStopped) return;
    if (this.preamble !== undefined) {
      if (chunk.type !== 'finish' && !isContent(chunk)) return this.hold(chunk, this.preamble);
      this.speak(this.preamble);
    }
    this.deliver(chunk);
    if (chunk.type !== 'finish') return;
    this.finished = true;
    this.complete();
  }

  protected override _complete(): void {
    if (this.finished) super._complete();
    else
      super._error(this.failure('truncated', 'completed without a "finish" chunk: the answer is not whole.'));
  }

  private hold(chunk: ChatChunk, preamble: ChatChunk[]): void {
    if (chunk.type === 'text' || chunk.type === 'reasoning') return;
    if (preamble.push(chunk) > LONGEST_PREAMBLE)
      this.error(this.failure('malformed', `sent more than ${LONGEST_PREAMBLE} chunks before any content.`));
  }

  private speak(preamble: readonly ChatChunk[]): void {
    this.preamble = undefined;
    for (const mark of this.listener.speaks()) this.deliver(mark);
    for (const held of preamble) this.deliver(held);
  }

  private deliver(chunk: ChatChunk): void {
    // Downstream may have cancelled at the chunk before.
    if (this.isStopped) return;
    this.listener.delivers(chunk);
    this.downstream.next(chunk);
  }

  private failure(kind: 'truncated' | 'malformed', happened: string): ProviderError {
    const { provider } = this;
    return new ProviderError(`Provider "${provider}" ${happened}`, { kind, provider });
  }
}
