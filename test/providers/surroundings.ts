/** What the tests of all adapters need: walls that are taken down, and the outcome of a stream. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect } from 'vitest';
import type { ChatChunk } from '../../src/chat/chunk.ts';
import { isProviderError, type ProviderError } from '../../src/chat/errors.ts';
import type { ChatContext, ChatProvider, ChatRequest } from '../../src/chat/provider.ts';
import { type Fault, type FaultServer, ok, startFaultServer } from '../support/fault-server.ts';

export const KEY = 'sk-very-secret-1234';
export const REQUEST: ChatRequest = { messages: [{ role: 'user', content: 'Hello' }] };

const standing: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of standing.splice(0)) await one.close();
});

export async function wallThat(script: Fault | readonly Fault[] = ok()): Promise<FaultServer> {
  const wall = await startFaultServer({ script });
  standing.push(wall);
  return wall;
}

/** A server of a few lines, for what no script of the wall says. */
export async function serverThat(answer: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  standing.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers every request with this body. */
export const bodyOf = (...parts: readonly string[]): Promise<string> =>
  serverThat((_request, response) => {
    response.writeHead(200);
    response.end(parts.join(''));
  });

export interface Outcome {
  readonly text: string;
  readonly chunks: readonly ChatChunk[];
  readonly error: unknown;
}

export function ask(
  provider: ChatProvider,
  request: ChatRequest = REQUEST,
  context: ChatContext = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: ChatChunk[] = [];
    const end = (error: unknown): void => resolve({ text: textOf(chunks), chunks, error });
    provider.stream(request, context).subscribe({
      next: (chunk) => chunks.push(chunk),
      error: end,
      complete: () => end(undefined),
    });
  });
}

const textOf = (chunks: readonly ChatChunk[]): string =>
  chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');

/** The error that the provider makes of an answer; it never shows the key. */
export async function failureOf(provider: ChatProvider, request?: ChatRequest): Promise<ProviderError> {
  const { error } = await ask(provider, request);
  if (!isProviderError(error)) throw new Error(`expected a ProviderError, got ${String(error)}`);
  expect(error.message).toMatch(/^Provider "wall" /);
  expect(error.message.length).toBeLessThan(600);
  expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).not.toContain(KEY);
  return error;
}
