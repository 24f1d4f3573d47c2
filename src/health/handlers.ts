import * as z from 'zod/mini';
import { parseConfig } from '../core/config.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import type { HealthChecker } from './health-checker.ts';
import type { HealthReport } from './report.ts';

const path = (): z.ZodMiniString<string> =>
  z.string('must be a path').check(z.startsWith('/', 'must begin with "/"'));

export const HealthHandlerConfigSchema = z
  .strictObject({
    /** Where `liveness()` answers. @default /livez */
    livenessPath: z._default(path(), '/livez'),
    /** Where `readiness()` answers. @default /readyz */
    readinessPath: z._default(path(), '/readyz'),
    /**
     * Whether errors and details of the checks are shown. They may say more of your systems than every caller should know.
     * @default false
     */
    details: z._default(z.boolean(), false),
  })
  .check(
    z.refine(({ livenessPath, readinessPath }) => livenessPath !== readinessPath, {
      path: ['readinessPath'],
      message: 'must differ from "livenessPath"',
    }),
  );
export type HealthHandlerConfig = z.input<typeof HealthHandlerConfigSchema>;

/**
 * Answers the probes of Kubernetes, of a load balancer or of a person, wherever a server speaks `Request` and `Response`:
 * `GET` or `HEAD` of `/livez` and `/readyz`.
 *
 * 200 while the status is healthy or degraded, 503 when it is unhealthy, and the report as JSON. Other paths are passed on to
 * `next`, or are 404 without it.
 *
 * @example
 * ```ts
 * const probes = healthFetchHandler(health);
 * export default { fetch: (request: Request) => probes(request, app.fetch) };
 * ```
 */
export function healthFetchHandler(
  checker: HealthChecker,
  config: HealthHandlerConfig = {},
): (request: Request, next?: unknown) => Promise<Response> {
  const probes = new Probes('healthFetchHandler', checker, config);
  return async (request, next) => {
    const probe = probes.at(new URL(request.url).pathname);
    // Servers have ideas of their own for a second argument.
    if (probe === undefined && typeof next === 'function') return (next as FetchHandler)(request);
    const { status, headers, body } = await probes.answer(request.method, probe);
    return new Response(request.method === 'HEAD' ? null : body, { status, headers });
  };
}

type FetchHandler = (request: Request) => Response | Promise<Response>;

/** What is needed of Node's `IncomingMessage`. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** What is needed of Node's `ServerResponse`. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
}

/**
 * The same as {@link healthFetchHandler}, for Node's own server and for the frameworks that hand a handler on to the next one.
 *
 * @example
 * ```ts
 * createServer(healthNodeHandler(health)).listen(8080);
 * app.use(healthNodeHandler(health)); // Express, Connect
 * ```
 */
export function healthNodeHandler(
  checker: HealthChecker,
  config: HealthHandlerConfig = {},
): (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void {
  const probes = new Probes('healthNodeHandler', checker, config);
  return ({ method = 'GET', url = '' }, response, next) => {
    const probe = probes.at(url.split('?', 1)[0] as string);
    if (probe === undefined && next !== undefined) return next();
    probes
      .answer(method, probe)
      .then(({ status, headers, body }) => {
        response.statusCode = status;
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        response.end(method === 'HEAD' ? undefined : body);
      })
      // Somebody else may have answered by now.
      .catch(reportUnhandled);
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Probe = () => Promise<HealthReport>;

/** What both handlers say, whatever their server looks like. */
class Probes {
  readonly #probes: Readonly<Record<string, Probe>>;
  readonly #details: boolean;

  constructor(of: string, checker: HealthChecker, config: HealthHandlerConfig) {
    const { livenessPath, readinessPath, details } = parseConfig(of, HealthHandlerConfigSchema, config);
    this.#probes = {
      [readinessPath]: () => checker.readiness(),
      [livenessPath]: () => checker.liveness(),
    };
    this.#details = details;
  }

  at(path: string): Probe | undefined {
    return Object.hasOwn(this.#probes, path) ? this.#probes[path] : undefined;
  }

  async answer(method: string, probe: Probe | undefined): Promise<Reply> {
    if (probe === undefined) return reply(404, 'Not found');
    if (method !== 'GET' && method !== 'HEAD')
      return reply(405, 'Method not allowed', { allow: 'GET, HEAD' });
    const report = await probe();
    return reply(report.ok ? 200 : 503, this.#details ? report : withoutDetails(report));
  }
}

function withoutDetails(report: HealthReport): HealthReport {
  const checks = Object.entries(report.checks).map(
    ([name, { error: _error, details: _details, ...check }]) => [name, check] as const,
  );
  return { ...report, checks: Object.fromEntries(checks) };
}

function reply(
  status: number,
  content: HealthReport | string,
  extra: Readonly<Record<string, string>> = {},
): Reply {
  const body = `${textOf(content)}\n`;
  return {
    status,
    headers: {
      'content-type': `${typeof content === 'string' ? 'text/plain' : 'application/json'}; charset=utf-8`,
      'content-length': String(new TextEncoder().encode(body).length),
      'cache-control': 'no-store',
      ...extra,
    },
    body,
  };
}

function textOf(content: HealthReport | string): string {
  if (typeof content === 'string') return content;
  try {
    return JSON.stringify(content);
  } catch {
    // The details of a check need not be JSON, and a probe needs its answer.
    return JSON.stringify(withoutDetails(content));
  }
}
