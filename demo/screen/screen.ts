/** What can be shown: an answer that grows and may be taken back, and beside it what happens meanwhile. */

export type Tone = 'dim' | 'good' | 'bad' | 'wait' | 'news' | 'strong' | 'gone';

/** Something that has happened. */
export interface Note {
  /** Milliseconds since the beginning. */
  readonly at: number;
  readonly tone: Tone;
  /** One character. */
  readonly mark: string;
  readonly text: string;
}

/** What is going on. */
export interface Status {
  readonly text: string;
  /** Milliseconds that it will take, where that is known. */
  readonly lasts?: number;
}

export interface Title {
  readonly scenario: string;
  readonly story: string;
  readonly question: string;
}

/** A line of the summary. */
export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly tone?: Tone;
}

export interface Screen {
  say(text: string): void;
  /** What has been said is void; what comes next replaces it. */
  retract(): void;
  note(note: Note): void;
  status(status: Status): void;
  circuit(state: string): void;
  /** The last picture. Leaves the terminal as it was found. */
  end(summary: readonly Fact[]): void;
}

/** As much of a terminal as is needed; a pipe has no columns. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}
