import { Endpoint } from '../endpoint.ts';
import type { Service } from '../http-service.ts';
import type { Send } from '../http-stream.ts';

/** A client of the package `ollama`, as far as its public face is needed. */
export interface OllamaClient {
  chat(request: never): Promise<unknown>;
}

/** What the client keeps to itself, but lets be replaced at its making. */
interface Inside {
  readonly fetch: typeof globalThis.fetch;
  readonly config?: { readonly host?: unknown; readonly headers?: HeadersInit };
}

type FetchArguments = Parameters<typeof globalThis.fetch>;

/**
 * A server that is asked through the official client. The client addresses and authorises the request; the reply is read by
 * our own decoder. The client's stream is not used: it drops a line that it cannot read, does not close the connection when
 * its loop is left, and cannot be aborted before the headers have come, which is as long as a model takes to load.
 */
export class OllamaClientService implements Pick<Service, 'endpoint' | 'post'> {
  readonly endpoint: Endpoint;
  readonly #client: OllamaClient & Inside;

  constructor(name: string | undefined, client: OllamaClient) {
    this.#client = client as OllamaClient & Inside;
    const { host, headers } = this.#client.config ?? {};
    const key = new Headers(headers).get('authorization')?.replace(/^Bearer /, '');
    // Behind a `proxy` in a browser the address is the page's own.
    const base = typeof host === 'string' && URL.canParse(host) ? host : 'http://ollama';
    const url = new URL(`${base.replace(/\/+$/, '')}/api/chat`);
    this.endpoint = new Endpoint(name ?? url.host, url, key);
  }

  post(body: object): Send {
    return async (signal) => {
      const [url, init] = await this.#request(body);
      // Browsers refuse a `fetch` that is called as a method of something else.
      const { fetch } = this.#client;
      return fetch(url, { ...init, signal });
    };
  }

  /** The request that the client would send. */
  #request(body: object): Promise<FetchArguments> {
    return new Promise((resolve, reject) => {
      const fetch = (...request: FetchArguments): Promise<never> => {
        resolve(request);
        return Promise.reject(new Error('The request is sent elsewhere.'));
      };
      // A client of its own for this one request: it has all that the other has, but for the way out.
      const client = Object.create(this.#client, { fetch: { value: fetch } }) as OllamaClient;
      client.chat(body as never).then((stream) => {
        (stream as { abort?: () => void }).abort?.();
        reject(
          this.endpoint.error(
            'invalid',
            'cannot be asked safely: its client goes around its own fetch. Give the client of the package "ollama" as it is, or none.',
          ),
        );
      }, reject);
    });
  }
}
