/** One promise, and what proves it: a test fails when a proof is gone, or has another name. */
export interface Rule {
  /** What the rule is called. */
  readonly name: string;
  /** What is promised, and how far. */
  readonly promise: string;
  /** The diagrams that show it, by operator. */
  readonly shown?: Proofs;
  /** The tests that prove it, by file, and why a diagram cannot or need not. */
  readonly tested?: Proofs & { readonly because: string };
}

/** Titles by where they stand. */
export type Proofs = Readonly<Record<string, string | readonly string[]>>;

export interface Section {
  readonly title: string;
  readonly rules: readonly Rule[];
}
