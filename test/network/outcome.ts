/** What the test asks of the caller's process, and what that tells of its calls. */

/** What happens to the link, or at its other end. */
export type TroubleName =
  | 'the answers are dropped'
  | 'everything is dropped'
  | 'the connections are reset'
  | 'the cable is pulled'
  | 'the provider is stopped';

/** All adapters ask at once, and meet the same trouble. */
export interface Scene {
  readonly trouble: TroubleName;
  /** When it begins: in the middle of the answers, or before anybody is connected. */
  readonly during: 'content' | 'connecting';
  readonly recovery?: 'fail' | 'restart' | 'continue';
  /** It does not end when all have lost their attempt, so that only another provider can answer. */
  readonly stays?: boolean;
  /** The callers leave in the midst of it. */
  readonly leave?: boolean;
}

export interface Outcome {
  readonly adapter: string;
  readonly end: 'answer' | 'interrupted' | 'left' | 'refused';
  /** Of the error. */
  readonly kind?: string;
  readonly text: 'whole' | 'a true beginning' | 'wrong';
  /** Marks that tell of a repair. */
  readonly marks: readonly string[];
  /** Requests that have reached the provider. */
  readonly requests: number;
}
