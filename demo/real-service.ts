/** The service that the environment names. Both speak OpenAI's protocol, so one adapter asks either. */
import { UsageError } from './usage-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RealService {
  readonly name: string;
  readonly baseURL: string;
  readonly model: string;
  readonly apiKey: string | undefined;
}

/** `undefined` when it names none. */
export function realServiceIn(env: Environment): RealService | undefined {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, OLLAMA_HOST, OLLAMA_MODEL } = env;
  if (OPENAI_API_KEY) {
    const baseURL = OPENAI_BASE_URL || 'https://api.openai.com/v1';
    if (!/^https?:$/.test((URL.canParse(baseURL) ? new URL(baseURL).protocol : undefined) ?? ''))
      throw new UsageError(
        `OPENAI_BASE_URL must be a URL such as http://127.0.0.1:8080/v1, got "${baseURL}".`,
      );
    return { name: 'openai', baseURL, model: OPENAI_MODEL || 'gpt-4.1-mini', apiKey: OPENAI_API_KEY };
  }
  if (OLLAMA_HOST) {
    return {
      name: 'ollama',
      baseURL: ollamaURL(OLLAMA_HOST),
      model: OLLAMA_MODEL || 'llama3.2',
      apiKey: undefined,
    };
  }
  if (!OPENAI_BASE_URL) return undefined;
  throw new UsageError(
    'OPENAI_BASE_URL is set, but OPENAI_API_KEY is not. Set it (any word will do for a server without keys), or add --local.',
  );
}

/** Ollama's own variable is also what its server listens on: often without a scheme or a port, at times 0.0.0.0. */
function ollamaURL(host: string): string {
  const address = /^https?:\/\//.test(host) ? host : `http://${host}`;
  if (!URL.canParse(address)) throw new UsageError(`OLLAMA_HOST must be a host or a URL, got "${host}".`);
  const url = new URL(address);
  if (url.port === '' && !/:\d+\/?$/.test(address) && url.protocol === 'http:') url.port = '11434';
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/v1`;
}
