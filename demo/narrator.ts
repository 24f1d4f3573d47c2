import type { ErrorSummary } from '../src/core/event-parts.ts';
import type { ResilienceEvent } from '../src/index.ts';
import { type Account, seconds } from './account.ts';
import type { Screen, Tone } from './screen/screen.ts';

/** Tells what the policies do, in the words of a bystander. */
export class Narrator {
  readonly #screen: Screen;
  readonly #account: Account;

  constructor(screen: Screen, account: Account) {
    this.#screen = screen;
    this.#account = account;
  }

  asked(provider: string): void {
    this.#account.asked(provider);
    this.#note('dim', '→', `attempt ${this.#account.attempts}: ${provider} is asked`);
    this.#screen.status({ text: `${provider} is asked` });
  }

  heard(event: ResilienceEvent): void {
    switch (event.type) {
      case 'first_token': {
        const { provider } = event.data;
        this.#account.speaks(provider);
        this.#note('good', '●', `${provider} answers`);
        this.#screen.status({ text: `${provider} answers` });
        return;
      }
      case 'retry_attempted': {
        const { attempt, delay, error } = event.data;
        const retry = `retry ${attempt} in ${seconds(delay)}`;
        this.#note(
          'wait',
          '↻',
          error.name === 'StreamTimeoutError' ? retry : `${this.#reason(error)}: ${retry}`,
        );
        this.#account.waits(delay);
        this.#screen.status({ text: `${event.source} is asked again in`, lasts: delay });
        return;
      }
      case 'timed_out': {
        const { kind, after } = event.data;
        const story =
          kind === 'each' ? 'silent for' : kind === 'first' ? 'no word within' : 'not done within';
        return this.#note('bad', '◌', `timeout: ${story} ${seconds(after)}`);
      }
      case 'stream_retracted':
        return this.#note('bad', '↶', `retract: ${this.#account.words} words are taken back`);
      case 'provider_switched':
        return this.#note('news', '⇄', `switch: ${event.data.to} speaks for ${event.data.from}`);
      case 'circuit_opened': {
        const { to, retryAfter } = event.data;
        const time = retryAfter === undefined ? '' : ` for ${Math.round(retryAfter / 1000)} s`;
        this.#screen.circuit(to);
        return this.#note('bad', '○', `circuit opens${time}`);
      }
      case 'circuit_half_open':
      case 'circuit_closed':
        this.#screen.circuit(event.data.to);
        return this.#note('news', '○', `circuit: ${event.data.to}`);
      case 'circuit_rejected':
        return this.#note('bad', '○', `circuit open: ${event.source} is not asked`);
      case 'retry_exhausted':
        return this.#note('bad', '✗', `gives up on ${event.source}: ${this.#reason(event.data.error)}`);
      case 'stream_ended':
        return this.#ended(event.data);
      // Told already, by what led to them or by what follows from them.
      case 'stream_started':
      case 'attempt_started':
      case 'attempt_ended':
      case 'fallback_used':
        return;
      default:
        return this.#note('dim', '·', event.type.replaceAll('_', ' '));
    }
  }

  #ended({ outcome, provider }: { outcome: string; provider: string }): void {
    if (outcome === 'completed') this.#note('good', '✓', `${provider} has finished the answer`);
    else this.#note('bad', '✗', outcome);
    this.#screen.status({ text: outcome });
  }

  #note(tone: Tone, mark: string, text: string): void {
    this.#screen.note({ at: this.#account.elapsed, tone, mark, text });
  }

  #reason(error: ErrorSummary): string {
    switch (error.kind) {
      case undefined:
        return error.name === 'CircuitOpenError' ? 'circuit open' : error.message;
      case 'rate-limit':
        return '429 rate limited';
      case 'transport':
        return this.#account.speaking ? 'connection lost' : 'no connection';
      case 'first':
      case 'each':
      case 'total':
        return 'timeout';
      default:
        return error.kind;
    }
  }
}
