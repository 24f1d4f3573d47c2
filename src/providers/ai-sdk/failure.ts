import { isProviderError, type ProviderError, type ProviderErrorKind } from '../../chat/errors.ts';
import { messageOf } from '../../core/errors.ts';
import { codeOf, type Endpoint, type ErrorReport, parseJson, reportIn } from '../endpoint.ts';
import { Quote, sentence } from '../sentence.ts';

/** The errors of the SDK as far as they are read; they are told apart by their names. */
interface SdkError {
  readonly name?: unknown;
  readonly statusCode?: unknown;
  readonly responseHeaders?: Record<string, string>;
  readonly responseBody?: string;
  readonly cause?: unknown;
  /** Of a frame that is no JSON. */
  readonly text?: string;
  /** Of a frame that is not of the protocol. */
  readonly value?: unknown;
  /** What came over the wire. */
  readonly data?: unknown;
}

/** Errors whose name says enough. */
const KINDS: ReadonlyMap<unknown, ProviderErrorKind> = new Map([
  ['AI_LoadAPIKeyError', 'auth'],
  ['AI_LoadSettingError', 'auth'],
  ['AI_InvalidArgumentError', 'invalid'],
  ['AI_InvalidPromptError', 'invalid'],
  ['AI_NoSuchModelError', 'invalid'],
  ['AI_UnsupportedFunctionalityError', 'invalid'],
  ['AI_EmptyResponseBodyError', 'truncated'],
]);

/**
 * Any error of a model as a `ProviderError`.
 *
 * @param response what is known of the reply; `undefined` before there is one.
 */
export function failureOf(
  error: unknown,
  endpoint: Endpoint,
  model: string,
  response?: Response,
): ProviderError {
  if (isProviderError(error)) return error;
  const said = sdkErrorIn(error);
  const reply = replyIn(error) ?? response;
  switch (said.name) {
    case 'AI_APICallError': {
      if (reply !== undefined && !reply.ok) {
        const report = firstEventIn(reply, said.responseBody);
        return report === undefined
          ? endpoint.refused(reply, said.responseBody || messageOf(error), model)
          : endpoint.broken(report, reply, error);
      }
      // The status was good, or there was none: the cause says what happened.
      return failureOf(said.cause ?? new TypeError(messageOf(error)), endpoint, model, reply);
    }
    case 'AI_JSONParseError':
      return garbled(said.text ?? '');
    case 'AI_InvalidResponseDataError':
      // Without data it is the end of the stream that surprised the model.
      return givenUp(said.data === undefined ? 'truncated' : 'malformed');
    case 'AI_TypeValidationError': {
      const report = reportIn(said.value);
      return report === undefined
        ? garbled(JSON.stringify(said.value))
        : endpoint.broken(report, reply ?? NO_REPLY, error);
    }
  }
  const kind = KINDS.get(said.name);
  if (kind !== undefined) return givenUp(kind);
  if (isTransport(error)) return endpoint.lost(error, response);
  const report = reportIn(said.data) ?? reportIn(error) ?? { message: messageOf(error), codes: [] };
  return endpoint.broken(report, reply ?? NO_REPLY, error);

  function givenUp(kind: ProviderErrorKind): ProviderError {
    const reason = new Quote(messageOf(error));
    return endpoint.error(kind, sentence`was given up by the AI SDK: ${reason}`, { cause: error });
  }

  function garbled(frame: string): ProviderError {
    const happened = sentence`sent a frame that is not of its protocol: ${new Quote(frame)}`;
    return endpoint.error('malformed', happened, { cause: error });
  }
}

const NO_REPLY = new Response();

const sdkErrorIn = (error: unknown): SdkError => (typeof error === 'object' && error !== null ? error : {});

/** The reply that an error of the SDK tells of. */
export function replyIn(error: unknown): Response | undefined {
  const { name, statusCode: status, responseHeaders: headers = {} } = sdkErrorIn(error);
  const told = name === 'AI_APICallError' && typeof status === 'number' && status >= 200 && status < 600;
  return told ? new Response(null, { status, headers }) : undefined;
}

/**
 * Some models make a refusal of an error that is the first event of a good stream, with a status that nobody sent. Its body
 * is the event: that has a type.
 */
function firstEventIn({ headers }: Response, body = ''): ErrorReport | undefined {
  if (!headers.get('content-type')?.startsWith('text/event-stream')) return undefined;
  const event = parseJson(body);
  const { type } = (event ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? reportIn(event) : undefined;
}

function isTransport(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error instanceof TypeError || /^(Abort|Timeout)Error$/.test(error.name) || codeOf(error) !== undefined
  );
}
