import * as z from 'zod/mini';
import type { ProviderError } from '../chat/errors.ts';
import { commonOptions, count, functionOption } from '../core/config.ts';
import { ConfigurationError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { Endpoint } from './endpoint.ts';
import type { Send } from './http-stream.ts';

/** The options of every provider that is asked over HTTP. */
export const httpOptions = {
  /** What the provider is called in errors, events and marks. @default the host of its URL */
  name: commonOptions.name,
  events: commonOptions.events,
  /** The model that is asked, unless a request names another. */
  model: z.string('must be a string').check(z.minLength(1, 'must not be empty')),
  /** Tokens that a conversation with this model may have, the answer included: what a fallback decides by. @default unknown */
  contextWindow: z.optional(count(1)),
  /**
   * What to do about a frame that cannot be read. `skip` goes on without it and publishes `frame_skipped`: what the frame
   * said is lost then.
   * @default 'fail'
   */
  malformed: z._default(z.enum(['fail', 'skip']), 'fail'),
  /** Sent as the service wants it; absent for servers that need none. It never appears in an error or an event. */
  apiKey: z.optional(z.unknown()),
  /** Further request headers. They win over those that this adapter sends. */
  headers: z._default(z.record(z.string(), z.string('must be a string')), () => ({})),
  /** The `fetch` that is used. @default the global one, at the time of the request */
  fetch: z.optional(functionOption<typeof globalThis.fetch>()),
};

/** An option that is the URL of a service. */
export const urlOption = (): z.ZodMiniString<string> =>
  z.string('must be a URL').check(z.refine(isHttp, 'must be a URL that starts with http:// or https://'));

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

interface HttpConfig {
  readonly name?: string | undefined;
  readonly baseURL: string;
  /** What the user calls it. @default 'baseURL' */
  readonly urlOption?: string;
  readonly apiKey?: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** How a service is asked: with `fetch`, or through its official client. */
export interface Service {
  readonly endpoint: Endpoint;
  post(body: object): Send;
  /** @param path below the address. */
  get(path: string, query: Readonly<Record<string, string>>): Send;
}

/** One address of one service: builds the requests to it, and keeps its key out of every error. */
export class HttpService implements Service {
  readonly endpoint: Endpoint;
  readonly #url: URL;
  readonly #headers: Headers;
  readonly #fetch: typeof globalThis.fetch | undefined;

  /**
   * @param owner what the configuration is of, for its errors.
   * @param path below the base URL, whose query is kept.
   * @param standardHeaders those of every request, with the key as the service wants it; the user's own win.
   */
  constructor(
    owner: string,
    config: HttpConfig,
    path: string,
    standardHeaders: (key: string | undefined) => Readonly<Record<string, string>>,
  ) {
    const key = secret(owner, config.apiKey);
    this.#url = plainUrl(owner, config);
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, '')}${path}`;
    this.#headers = headersOf(owner, standardHeaders(key), config.headers);
    this.#fetch = config.fetch;
    this.endpoint = new Endpoint(config.name ?? this.#url.host, this.#url, key);
  }

  post(body: object): Send {
    return this.#send(this.#url, { method: 'POST', headers: this.#headers, body: JSON.stringify(body) });
  }

  get(path: string, query: Readonly<Record<string, string>>): Send {
    const url = new URL(this.#url);
    url.pathname += path;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return this.#send(url, { headers: this.#headers });
  }

  #send(url: URL, init: RequestInit): Send {
    const fetch = this.#fetch ?? globalThis.fetch;
    return (signal) => fetch(url.href, { ...init, signal });
  }
}

/** The headers of a service that takes its key as a bearer token and answers with server-sent events. */
export const bearer = (key: string | undefined): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  accept: 'text/event-stream',
  ...(key !== undefined && { authorization: `Bearer ${key}` }),
});

/** Who hears of frames that are skipped; `undefined` where such a frame is an error. */
export function skippedBy(
  name: string,
  { malformed, events = getEventBus() }: { malformed: 'fail' | 'skip'; events?: EventBus | undefined },
): ((error: ProviderError) => void) | undefined {
  if (malformed === 'fail') return undefined;
  return (error) => events.publish('frame_skipped', name, { error });
}

function plainUrl(owner: string, { baseURL, urlOption = 'baseURL' }: HttpConfig): URL {
  const url = new URL(baseURL);
  if (url.username === '' && url.password === '') return url;
  throw new ConfigurationError(
    `${owner}: option "${urlOption}" must not contain a user name or a password (the value is not shown); use "apiKey" or "headers"`,
  );
}

function secret(owner: string, apiKey: unknown): string | undefined {
  if (apiKey === undefined || (typeof apiKey === 'string' && /^[\x21-\x7e]+$/.test(apiKey))) return apiKey;
  throw new ConfigurationError(
    `${owner}: option "apiKey" must be a string of visible ASCII characters, without spaces or line ends (the value is not shown)`,
  );
}

function headersOf(owner: string, ...layers: readonly Readonly<Record<string, string>>[]): Headers {
  try {
    const all = new Headers();
    for (const layer of layers) for (const [name, value] of Object.entries(layer)) all.set(name, value);
    return all;
  } catch {
    // The platform's own message would repeat the value.
    throw new ConfigurationError(
      `${owner}: option "headers" holds a name or a value that HTTP does not allow (values are not shown)`,
    );
  }
}
