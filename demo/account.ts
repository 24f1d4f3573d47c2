import type { Fact } from './screen/screen.ts';

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
const wordsIn = (text: string): number => text.split(/\s+/).filter(Boolean).length;
const plural = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** Keeps the books of one call: what is on the screen, who has said it, and what it took. */
export class Account {
  readonly #begun = performance.now();
  readonly #asked = new Map<string, number>();
  readonly #takenBack = new Map<string, number>();
  #answer = '';
  #speaker: string | undefined;
  #speaking = false;
  #retries = 0;
  #waited = 0;
  #firstToken: number | undefined;
  #firstTokenThatStands: number | undefined;

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return performance.now() - this.#begun;
  }

  get attempts(): number {
    return [...this.#asked.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What is on the screen. */
  get answer(): string {
    return this.#answer;
  }

  get words(): number {
    return wordsIn(this.#answer);
  }

  /** Whether the attempt that was made last has said something. */
  get speaking(): boolean {
    return this.#speaking;
  }

  asked(provider: string): void {
    this.#asked.set(provider, (this.#asked.get(provider) ?? 0) + 1);
    this.#speaking = false;
  }

  speaks(provider: string): void {
    this.#speaker = provider;
    this.#speaking = true;
    this.#firstTokenThatStands = this.elapsed;
    this.#firstToken ??= this.#firstTokenThatStands;
  }

  says(text: string): void {
    this.#answer += text;
  }

  retracts(): void {
    const speaker = this.#speaker ?? '';
    this.#takenBack.set(speaker, (this.#takenBack.get(speaker) ?? 0) + this.words);
    this.#answer = '';
  }

  waits(delay: number): void {
    this.#retries++;
    this.#waited += delay;
  }

  facts(circuit: string): Fact[] {
    return [
      { label: 'delivered by', value: this.#delivery() },
      { label: 'taken back', value: this.#losses() },
      { label: 'attempts', value: this.#attemptsBy() },
      { label: 'first token', value: this.#firstTokens() },
      { label: 'waits', value: this.#waits() },
      { label: 'circuit', value: circuit },
      { label: 'total time', value: seconds(this.elapsed) },
    ];
  }

  #delivery(): string {
    return this.#speaker === undefined ? 'nobody' : `${this.#speaker}, ${plural(this.words, 'word')}`;
  }

  #losses(): string {
    const losses = [...this.#takenBack].map(([provider, words]) => `${plural(words, 'word')} of ${provider}`);
    return losses.join(', ') || 'nothing';
  }

  #attemptsBy(): string {
    const counts = [...this.#asked].map(([provider, count]) => `${count} ${provider}`);
    return counts.length > 1 ? `${this.attempts} (${counts.join(', ')})` : `${this.attempts}`;
  }

  #firstTokens(): string {
    const [first, ofThis] = [this.#firstToken, this.#firstTokenThatStands];
    if (first === undefined || ofThis === undefined) return 'none';
    return first === ofThis ? seconds(first) : `${seconds(first)}; this answer ${seconds(ofThis)}`;
  }

  #waits(): string {
    if (this.#retries === 0) return 'none';
    return `${seconds(this.#waited)} before ${this.#retries} ${this.#retries === 1 ? 'retry' : 'retries'}`;
  }
}
