/** Two providers on this machine: one that misbehaves by script, and one that can be relied on. */
import { LLMock } from '@copilotkit/aimock';
import { startFaultServer } from '../test/support/fault-server.ts';
import { ANSWER, type Scenario, WORD_DELAY } from './scenarios.ts';
import { UsageError } from './usage-error.ts';

export interface LocalProviders extends AsyncDisposable {
  /** Where each of them speaks OpenAI's protocol. */
  readonly primary: string;
  readonly backup: string;
}

/** @throws {UsageError} when the port is not to be had. */
export async function startLocalProviders(
  { script }: Scenario,
  { speed, port }: { readonly speed: number; readonly port: number },
): Promise<LocalProviders> {
  const primary = await startFaultServer({ answer: ANSWER, script: script(speed), port }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new UsageError(whyNot(port, error), { cause: error });
    },
  );
  const backup = new LLMock({ port: 0, chunkSize: 6, latency: WORD_DELAY / speed });
  backup.on({ userMessage: /./ }, { content: ANSWER });
  const url = await backup.start();
  return {
    primary: `${primary.url}/v1`,
    backup: `${url}/v1`,
    async [Symbol.asyncDispose]() {
      await Promise.all([primary.close(), backup.stop()]);
    },
  };
}

function whyNot(port: number, { code, message }: NodeJS.ErrnoException): string {
  const reason =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EACCES'
        ? 'this user may not listen there'
        : message;
  return `The local provider cannot have port ${port}: ${reason}. Choose another --port, or leave it out for any free one.`;
}
