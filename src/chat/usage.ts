import type { ChatUsage } from './chunk.ts';
import type { AttemptReport } from './ledger.ts';

const COUNTS = ['inputTokens', 'outputTokens', 'totalTokens', 'cachedTokens', 'reasoningTokens'] as const;

/**
 * What several responses have used together: the sum of what is known. It is marked as estimated where one of them is, and
 * where one does not tell what another one tells.
 */
export function sumOfUsage(usages: readonly (ChatUsage | undefined)[]): ChatUsage | undefined {
  const known = usages.filter((usage) => usage !== undefined);
  let complete = known.length === usages.length && known.every(({ estimated }) => estimated === undefined);
  const sum: ChatUsage = {};
  for (const count of COUNTS) {
    const told = known.map((usage) => usage[count]).filter((tokens) => tokens !== undefined);
    if (told.length === 0) continue;
    sum[count] = told.reduce((total, tokens) => total + tokens, 0);
    complete &&= told.length === usages.length;
  }
  if (Object.keys(sum).length === 0) return undefined;
  return complete ? sum : { ...sum, estimated: true };
}

/** What one response of a provider has used. It takes several attempts where a broken stream is taken up again. */
export interface ResponseUsage {
  usage: ChatUsage | undefined;
  /** Whether its words are part of the answer. */
  stands: boolean;
}

/** What the responses of one call have used. */
export class UsageAccount {
  readonly #responses: ResponseUsage[] = [];

  /** All that is known to have been used. */
  get total(): ChatUsage | undefined {
    return sumOfUsage(this.#responses.map(({ usage }) => usage));
  }

  /** What is written so far has been taken back. */
  retract(): void {
    for (const response of this.#responses) response.stands = false;
  }

  /** The response that an attempt is to get. @param resumes whether it is the one that stands last. */
  open(resumes: boolean): ResponseUsage {
    const last = resumes ? this.#responses.findLast(({ stands }) => stands) : undefined;
    return last ?? { usage: undefined, stands: false };
  }

  /** What the whole answer has used, when its last response says that it used this. */
  ofAnswer(response: ResponseUsage, usage: ChatUsage): ChatUsage {
    const others = this.#responses.filter((other) => other.stands && other !== response);
    return sumOfUsage([...others.map((other) => other.usage), usage]) ?? usage;
  }

  /** An attempt has ended. @returns what was thought of its response before, if that is no longer true. */
  close(response: ResponseUsage, { phase, usage }: AttemptReport): ChatUsage | undefined {
    // What was not accepted has used nothing.
    if (phase !== 'connecting' && !this.#responses.includes(response)) this.#responses.push(response);
    const before = response.usage;
    // A provider counts the whole response, also what it said before it broke off; an estimate is of one attempt.
    const adds = before !== undefined && usage?.estimated === true;
    response.usage = adds ? sumOfUsage([before, usage]) : (usage ?? before);
    return adds || usage === undefined ? undefined : before;
  }
}
