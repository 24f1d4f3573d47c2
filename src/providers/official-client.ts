import * as z from 'zod/mini';
import { messageOf } from '../core/errors.ts';
import { Endpoint } from './endpoint.ts';
import type { Service } from './http-service.ts';
import type { Send } from './http-stream.ts';

interface ClientRequest {
  readonly body?: object;
  readonly query?: object;
  readonly headers?: Record<string, string>;
  readonly signal: AbortSignal;
  readonly maxRetries: 0;
  readonly stream: true;
}

interface ClientReply {
  asResponse(): Promise<Response>;
}

/**
 * What the official clients of OpenAI and Anthropic have in common, as far as it is used here: they address and authorise
 * requests. Their streams are not used, because those complete silently when the connection ends too early.
 */
export interface OfficialClient {
  readonly baseURL: string;
  readonly apiKey?: unknown;
  post(path: string, request: ClientRequest): ClientReply;
  get(path: string, request: ClientRequest): ClientReply;
}

/** An option that is such a client. */
export const clientOption = (packageName: string): z.ZodMiniCustom<OfficialClient, OfficialClient> =>
  z.custom<OfficialClient>(isClient, `must be a client of the package "${packageName}"`);

/** For a config that may have a client: what the client has of its own must not be said a second time, beside it. */
export const besideClient = <Config extends { client?: unknown; headers: object }>(
  ...own: readonly (keyof Config & string)[]
): z.core.$ZodCheck<Config> =>
  z.refine(
    (config: Config) =>
      config.client === undefined ||
      (own.every((option) => config[option] === undefined) && Object.keys(config.headers).length === 0),
    {
      path: ['client'],
      message: `has ${own.map((option) => `"${option}"`).join(', ')} and "headers" of its own: set them there`,
    },
  );

function isClient(value: unknown): boolean {
  const { baseURL, post, get } = (value ?? {}) as Partial<OfficialClient>;
  return (
    typeof baseURL === 'string' &&
    URL.canParse(baseURL) &&
    typeof post === 'function' &&
    typeof get === 'function'
  );
}

/** One address of one service, asked through its official client: with its authorisation, but without its retries. */
export class ClientService implements Service {
  readonly endpoint: Endpoint;
  readonly #client: OfficialClient;
  readonly #path: string;

  constructor(name: string | undefined, client: OfficialClient, path: string) {
    const url = new URL(client.baseURL);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
    this.endpoint = new Endpoint(
      name ?? url.host,
      url,
      typeof client.apiKey === 'string' ? client.apiKey : undefined,
    );
    this.#client = client;
    this.#path = path;
  }

  post(body: object): Send {
    return sentBy((request) => this.#client.post(this.#path, { ...request, body }));
  }

  get(path: string, query: Readonly<Record<string, string>>): Send {
    return sentBy((request) => this.#client.get(this.#path + path, { ...request, query }));
  }
}

function sentBy(ask: (request: ClientRequest) => ClientReply): Send {
  return async (signal) => {
    try {
      return await ask({ signal, maxRetries: 0, stream: true }).asResponse();
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal !== undefined) return refusal;
      throw isAbort(error) && !signal.aborted ? timeoutOf(error) : error;
    }
  };
}

/** The client throws a refusal as an error; here it becomes a reply again, to be judged like every other. */
function refusalIn(thrown: unknown): Response | undefined {
  const { status, headers, error, message } = (thrown ?? {}) as Record<string, unknown>;
  if (typeof status !== 'number' || status < 200 || !(headers instanceof Headers)) return undefined;
  const body =
    typeof error !== 'object' || error === null
      ? String(message)
          .replace(`${status} `, '')
          .replace(/^status code \(no body\)$/, '')
      : JSON.stringify('error' in error ? error : { error });
  return new Response(body, { status, headers });
}

/** The client ends a request that takes too long for it by an abort of its own; some keep that to themselves. */
const isAbort = (error: unknown): boolean => {
  const { name, cause } = (error ?? {}) as { name?: string; cause?: { name?: string } };
  return name === 'APIConnectionTimeoutError' || cause?.name === 'AbortError';
};

const timeoutOf = (cause: unknown): Error =>
  Object.assign(new Error(messageOf(cause), { cause }), { name: 'TimeoutError' });
