import { lastValueFrom, type SchedulerLike, tap } from 'rxjs';
import type { ChatChunk, ResilientProvider } from '../src/chat/index.ts';
import { messageOf } from '../src/core/errors.ts';
import { EventBus, isConfigurationError } from '../src/index.ts';
import { Account } from './account.ts';
import { type Asked, localAssistant, realAssistant } from './assistant.ts';
import { startLocalProviders } from './local-providers.ts';
import { Narrator } from './narrator.ts';
import { parseOptions, type Wish } from './options.ts';
import type { Environment } from './real-service.ts';
import { ANSWER, QUESTION } from './scenarios.ts';
import { screenOn } from './screen/index.ts';
import type { Fact, Output, Screen, Title } from './screen/screen.ts';
import { harmless } from './screen/text.ts';
import { UsageError } from './usage-error.ts';

/** Where the demo runs: the process, or what a test puts in its place. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdout: Output;
  readonly stderr: { write(text: string): unknown };
  /** Ends the demo early; everything is closed then, too. */
  readonly signal: AbortSignal;
  /** Whose time limits and waits are counted in. @default that of the machine */
  readonly scheduler?: SchedulerLike;
}

/** The whole demo, from the command line to the exit code. */
export async function demo(here: Surroundings): Promise<number> {
  try {
    return await show(parseOptions(here.argv, here.env), here);
  } catch (error) {
    if (!(error instanceof UsageError || isConfigurationError(error))) throw error;
    here.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function show(wish: Wish, here: Surroundings): Promise<number> {
  switch (wish.show) {
    case 'text':
      here.stdout.write(wish.text);
      return 0;
    case 'local': {
      const { scenario, speed } = wish;
      const { scheduler } = here;
      await using providers = await startLocalProviders(scenario, wish);
      const title = { scenario: scenario.name, story: scenario.story, question: QUESTION };
      return await perform(
        here,
        title,
        (events, asked) => localAssistant(providers, { speed, events, asked, scheduler }),
        ANSWER,
      );
    }
    case 'real': {
      const { service, prompt } = wish;
      const title = {
        scenario: service.name,
        story: `${service.model} at ${service.baseURL}`,
        question: prompt,
      };
      return perform(here, title, (events, asked) => realAssistant(service, { events, asked }));
    }
  }
}

/** One call on the screen. `expected` is the answer, where it is known. */
async function perform(
  { env, stdout, stderr, signal }: Surroundings,
  title: Title,
  assistantWith: (events: EventBus, asked: Asked) => ResilientProvider,
  expected?: string,
): Promise<number> {
  const events = new EventBus();
  const assistant = assistantWith(events, (provider) => narrator.asked(provider));
  const screen = screenOn(stdout, env, title);
  const account = new Account();
  const narrator = new Narrator(screen, account);
  events.subscribe((event) => narrator.heard(event));

  const verdict = await lastValueFrom(
    assistant
      .stream([{ role: 'user', content: title.question }], { signal })
      .pipe(tap((chunk) => put(chunk, account, screen))),
  ).then(
    () => judge(account.answer, expected),
    (error: unknown): Verdict => ({ exitCode: 1, complaint: messageOf(error) }),
  );
  if (signal.aborted) {
    screen.end([]);
    return 1;
  }
  screen.end([...(verdict.fact ? [verdict.fact] : []), ...account.facts(assistant.circuitBreaker.state)]);
  if (verdict.complaint !== undefined) stderr.write(`${verdict.complaint}\n`);
  return verdict.exitCode;
}

function put(chunk: ChatChunk, account: Account, screen: Screen): void {
  switch (chunk.type) {
    case 'text':
      account.says(chunk.text);
      return screen.say(harmless(chunk.text));
    case 'reasoning':
      return screen.status({ text: 'the model thinks' });
    case 'retract':
      account.retracts();
      return screen.retract();
    default:
  }
}

interface Verdict {
  readonly exitCode: number;
  readonly fact?: Fact;
  readonly complaint?: string;
}

function judge(answer: string, expected: string | undefined): Verdict {
  if (expected === undefined) return { exitCode: 0 };
  if (answer === expected)
    return { exitCode: 0, fact: { label: 'exact answer', value: 'yes', tone: 'good' } };
  return {
    exitCode: 1,
    fact: { label: 'exact answer', value: 'NO', tone: 'bad' },
    complaint: 'The answer on the screen is not the one that the providers were given.',
  };
}
