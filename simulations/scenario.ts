/** What is to be shown, and what came of it. */
export interface Scenario {
  /** Of its pictures, and of its heading in the page. */
  readonly slug: string;
  readonly title: string;
  /** What happens, to whom, and what a reader should look at. */
  readonly prose: string;
  /** Plays it in virtual time: always the same, and in less than a second. */
  run(): Outcome;
}

export interface Outcome {
  /** What has to hold. */
  readonly claims: readonly Claim[];
  readonly table: Table;
  readonly charts: readonly Chart[];
}

/** A number, and the bounds that it has to keep. */
export interface Claim {
  readonly claim: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Behind the number: `%`, ` ms`. */
  readonly unit?: string;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Curves over time, or over whatever x is. */
export interface Chart {
  readonly slug: string;
  readonly title: string;
  /** The same in words, for those who do not see it. */
  readonly description: string;
  /** What x and y count. */
  readonly x: string;
  readonly y: string;
  /** The first is the one to look at. */
  readonly curves: readonly Curve[];
  /** Where y ends. @default a little above the highest point */
  readonly top?: number;
  /** Spans of x that differ from the rest. */
  readonly spans?: readonly Span[];
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  /** `line` joins the points, `steps` holds each until the next, `bound` is a limit that others keep. @default 'line' */
  readonly style?: 'line' | 'steps' | 'bound';
}

export type Point = readonly [x: number, y: number];

export interface Span {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

export const isKept = ({ measured, atLeast = -Infinity, atMost = Infinity }: Claim): boolean =>
  measured >= atLeast && measured <= atMost;
