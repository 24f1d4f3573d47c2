import {
  isProviderError,
  ProviderError,
  type ProviderErrorDetails,
  type ProviderErrorKind,
} from '../chat/errors.ts';
import { isSystemCode } from '../core/error-summary.ts';
import { isStreamTimeoutError, messageOf } from '../core/errors.ts';
import type { HeaderLookup } from '../rate-limit/report.ts';
import { classify } from './classify.ts';
import { retryAfterFrom } from './retry-after.ts';
import { Quote, type Sentence, sentence } from './sentence.ts';

/** An error as a provider words it, over HTTP or inside a stream. */
export interface ErrorReport {
  readonly message: string;
  readonly codes: readonly string[];
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

type Context = Omit<Partial<ProviderErrorDetails>, 'kind' | 'provider'>;

/** What to do about it, for the kinds where there is something to do. */
const ADVICE: Partial<Record<ProviderErrorKind, string>> = {
  quota: 'The account has no quota or credit left: check its plan and billing.',
  auth: 'Check the API key and what it is allowed to do.',
  'context-length': 'Shorten the conversation, or ask a model with a larger window.',
  'content-filter': 'The provider refuses this by policy; the same words will be refused again.',
  'rate-limit': 'Send fewer requests, or wait.',
  overloaded: 'The trouble is on their side and passes.',
  server: 'The trouble is on their side.',
};

const NO_HEADERS: HeaderLookup = () => undefined;

/** One address of one provider, and the only place that words its failures. The key appears in none of them. */
export class Endpoint {
  readonly provider: string;
  /** The address as it may be shown: queries sometimes carry keys. */
  readonly #shownUrl: string | undefined;
  readonly #key: string | undefined;

  /** @param url `undefined` where a library keeps it. */
  constructor(provider: string, url?: URL, key?: string) {
    this.provider = provider;
    this.#shownUrl = url && url.origin + url.pathname;
    this.#key = key || undefined;
  }

  /** The error for a reply whose status is not 2xx. */
  refused(response: Response, body: string, model: string): ProviderError {
    const { status, headers } = response;
    const report = reportIn(parseJson(body)) ?? { message: titleOf(body), codes: [] };
    const kind = classify({ status, ...report });
    const header = lookUp(headers);
    const told = header('x-should-retry');
    const advice =
      status === 404
        ? `Check the base URL and the model "${model}".`
        : (ADVICE[kind] ?? 'Check the request.');
    return this.error(kind, sentence`answered ${status}: ${new Quote(report.message)} ${advice}`, {
      status,
      retryable: told === 'true' ? true : told === 'false' ? false : undefined,
      retryAfter: retryAfterFrom({ header, message: report.message }),
      requestId: requestIdOf(headers),
    });
  }

  /** The error for one that the provider reports inside a stream that had begun well. */
  broken(report: ErrorReport, response: Response, cause?: unknown): ProviderError {
    const { message, headers } = report;
    const kind = classify(report);
    const advice = ADVICE[kind] ?? 'Check the request.';
    return this.error(kind, sentence`reported an error inside the stream: ${new Quote(message)} ${advice}`, {
      cause,
      retryAfter: retryAfterFrom({ header: NO_HEADERS, frameHeader: headers && lookUp(headers), message }),
      requestId: requestIdOf(response.headers),
    });
  }

  /** The error for a body that is something else than the stream that was asked for. */
  notAStream(body: string, response: Response): ProviderError {
    const json = parseJson(body);
    const report = reportIn(json);
    if (report !== undefined) return this.broken(report, response);
    const advice =
      json === undefined
        ? `Is "${this.#shownUrl}" the right URL, or is a proxy in between?`
        : 'Does this server support streaming?';
    const what = json === undefined ? 'a page' : 'a JSON document';
    return this.error(
      'malformed',
      sentence`sent ${what} instead of a stream: ${new Quote(titleOf(body))} ${advice}`,
      { status: response.status, requestId: requestIdOf(response.headers) },
    );
  }

  /** The error for a connection that failed before a reply came (`response` is undefined) or in the middle of it. */
  lost(cause: unknown, response?: Response): ProviderError {
    if (isProviderError(cause)) return cause;
    const code = codeOf(cause);
    const name = (cause as { name?: unknown } | null)?.name;
    const kind: ProviderErrorKind =
      isStreamTimeoutError(cause) || name === 'TimeoutError'
        ? 'timeout'
        : name === 'AbortError'
          ? 'cancelled'
          : 'transport';
    const story = FAILURES.find(([codes]) => codes.test(code ?? ''))?.[1];
    // The code of a system is no quotation.
    const reason = isSystemCode(code) ? `${code}.` : new Quote(code ?? messageOf(innermost(cause)));
    const url = this.#shownUrl === undefined ? '' : ` The URL is "${this.#shownUrl}".`;
    const happened =
      response !== undefined
        ? sentence`lost the connection in the middle of the answer: ${reason}`
        : story !== undefined
          ? `could not be asked: ${story}${url}`
          : sentence`could not be asked: the connection failed: ${reason}${url}`;
    return this.error(kind, happened, { cause, requestId: response && requestIdOf(response.headers) });
  }

  error(kind: ProviderErrorKind, happened: string | Sentence, context: Context = {}): ProviderError {
    const { whole, own } = typeof happened === 'string' ? { whole: happened, own: undefined } : happened;
    const told = (story: string): string => this.#withoutKey(`Provider "${this.provider}" ${story}`);
    const summary = own === undefined ? undefined : told(own);
    return new ProviderError(told(whole), { kind, provider: this.provider, summary, ...context });
  }

  /** A key of a few letters is no secret, and taking it out would only maim other words. */
  #withoutKey(text: string): string {
    return this.#key === undefined || this.#key.length < 8 ? text : text.replaceAll(this.#key, '[key]');
  }
}

/** Node (libuv, undici, OpenSSL) and Bun have names of their own for the same accidents. */
const FAILURES: readonly (readonly [codes: RegExp, story: string])[] = [
  [
    /^(ECONNREFUSED|ConnectionRefused|FailedToOpenSocket)$/,
    'the connection was refused. Is the server running, and is the port right?',
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN|EAI_\w+)$/,
    'its host name is not known. Is the name spelled right, and is there a network?',
  ],
  [
    /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ConnectionClosed|ConnectionReset)$/,
    'the connection was closed before a reply came. Is a server of this protocol listening there?',
  ],
  [
    /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT)$/,
    'nobody answered in time. Is the host reachable from here?',
  ],
  [/^(EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/, 'its host cannot be reached. Is there a network?'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/,
    'its TLS certificate is not trusted here. Is the host name right, and its authority known?',
  ],
  [
    /^(EPROTO|ERR_SSL_\w+|HPE_\w+)$/,
    'what came is not the protocol of the URL. Should it be http: instead of https:, or the other way round?',
  ],
];

/** The first code in the chain of causes. */
export function codeOf(error: unknown): string | undefined {
  for (let link = error; typeof link === 'object' && link !== null; link = (link as Error).cause) {
    const { code } = link as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}

/** What really happened: a failed `fetch` says so only in its causes. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;
}

export function requestIdOf(headers: Headers): string | undefined {
  return headers.get('x-request-id') ?? headers.get('request-id') ?? undefined;
}

function lookUp(headers: Headers | Readonly<Record<string, unknown>>): HeaderLookup {
  if (headers instanceof Headers) return (name) => headers.get(name) ?? undefined;
  // What a frame calls headers need not be any, and `Headers` would throw.
  const said = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    const value = said.get(name.toLowerCase());
    return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : undefined;
  };
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error in a JSON value, in any of the shapes that are in use; `undefined` if it holds none. */
export function reportIn(value: unknown): ErrorReport | undefined {
  if (Array.isArray(value)) return reportIn(value[0]);
  if (typeof value !== 'object' || value === null) return undefined;
  const { error, object, type, message, detail, status, response } = value as Record<string, unknown>;
  if (type === 'response.failed') return reportIn(response);
  if (typeof error === 'string') return reportOf({ message: error, code: status });
  if (typeof error === 'object' && error !== null) return reportOf(error as Record<string, unknown>);
  if (object === 'error' || type === 'error') return reportOf(value as Record<string, unknown>);
  const said = message ?? detail;
  return typeof said === 'string' && !('choices' in value)
    ? reportOf({ ...value, message: said })
    : undefined;
}

function reportOf({ message, code, type, headers }: Record<string, unknown>): ErrorReport {
  const codes = [code, type]
    .filter((said) => typeof said === 'string' || typeof said === 'number')
    .map(String);
  return {
    message: typeof message === 'string' ? message : codes.join(', '),
    codes,
    headers:
      typeof headers === 'object' ? ((headers as Record<string, unknown> | null) ?? undefined) : undefined,
  };
}

/** What a page says of itself: its title, else its first words. */
function titleOf(page: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(page)?.[1];
  return title?.trim() || page.replace(/<[^>]*>/g, ' ');
}
