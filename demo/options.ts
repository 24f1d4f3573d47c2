/** From the command line and the environment to what is to be shown; every refusal is a sentence. */
import { parseArgs } from 'node:util';
import { type Environment, type RealService, realServiceIn } from './real-service.ts';
import { QUESTION, SCENARIOS, type Scenario } from './scenarios.ts';
import { UsageError } from './usage-error.ts';

export type Wish =
  | { readonly show: 'text'; readonly text: string }
  | { readonly show: 'local'; readonly scenario: Scenario; readonly speed: number; readonly port: number }
  | { readonly show: 'real'; readonly service: RealService; readonly prompt: string };

const names = SCENARIOS.map(({ name }) => name).join(', ');
const scenarioList = SCENARIOS.map(({ name, story }) => `  ${name.padEnd(14)}${story}\n`).join('');

const HELP = `A chat answer streams through a ResilientProvider, over real HTTP, while the provider behind it misbehaves.

npm run demo                           the whole story, on this machine alone
npm run demo -- --scenario cut         one accident of it

Scenarios
${scenarioList}
Options
  --scenario NAME   which of them (all)
  --list            the scenarios, and nothing else
  --speed N         words and waits that many times as fast, from 0.1 to 100 (1)
  --port N          where the local provider listens (any free port)
  --local           the local provider, whatever the environment says; --scenario, --speed and --port imply it
  --prompt TEXT     what to ask a real service
  --help            this

A real service is asked when the environment names one
  OPENAI_API_KEY    with OPENAI_BASE_URL (https://api.openai.com/v1) and OPENAI_MODEL (gpt-4.1-mini)
  OLLAMA_HOST       with OLLAMA_MODEL (llama3.2)
  NO_COLOR          no colours

Exit codes: 0 the answer is complete and exact, 1 it is not, 2 the demo was asked for something that cannot be.
`;

/** @throws {UsageError} with a sentence for the person at the keyboard. */
export function parseOptions(argv: readonly string[], env: Environment): Wish {
  const options = parse(argv);
  if (options.help) return { show: 'text', text: HELP };
  if (options.list) return { show: 'text', text: scenarioList };
  const { scenario, speed, port, prompt, local } = options;
  if (local || (scenario ?? speed ?? port) !== undefined) {
    if (prompt !== undefined)
      throw new UsageError('--prompt is for a real service; the local provider knows one answer.');
    return {
      show: 'local',
      scenario: scenarioNamed(scenario ?? 'all'),
      speed: numberIn('--speed', speed ?? '1', 0.1, 100),
      port: portIn(port ?? '0'),
    };
  }
  const service = realServiceIn(env);
  if (service !== undefined) return { show: 'real', service, prompt: prompt ?? QUESTION };
  if (prompt === undefined) return { show: 'local', scenario: scenarioNamed('all'), speed: 1, port: 0 };
  throw new UsageError('--prompt needs a real service: set OPENAI_API_KEY or OLLAMA_HOST.');
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: text,
        speed: text,
        port: text,
        prompt: text,
        local: flag,
        list: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    // The platform's first sentence says what is wrong, the others how positional arguments work.
    const [sentence] = (error as Error).message.split('. ');
    throw new UsageError(`${sentence?.replace(/\.$/, '')}. --help explains.`);
  }
}

function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new UsageError(`There is no scenario "${name}". There are: ${names}.`);
  return found;
}

function numberIn(option: string, value: string, from: number, to: number): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (number >= from && number <= to) return number;
  throw new UsageError(`${option} must be a number from ${from} to ${to}, got "${value}".`);
}

function portIn(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new UsageError(`--port must be a whole number from 0 (any free port) to 65535, got "${value}".`);
}
