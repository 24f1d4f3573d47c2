import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NEVER } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  HealthChecker,
  type HealthHandlerConfig,
  healthFetchHandler,
  healthNodeHandler,
} from '../../src/health/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const secret = 'postgres://admin:hunter2@db';

function checker(): { health: HealthChecker; fail(): void } {
  // Every answer takes as long as the others, so they are as long as the others.
  const health = new HealthChecker({ events: new EventBus(), scheduler: new ManualScheduler() });
  let well = true;
  health.register('event loop', () => true, { liveness: true });
  health.register('cache', () => 'degraded');
  health.register('database', () => ({
    status: well ? 'healthy' : 'unhealthy',
    error: well ? undefined : new Error(`cannot reach ${secret}`),
    details: { url: secret },
  }));
  return {
    health,
    fail() {
      well = false;
    },
  };
}

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Servers that speak `Request` and `Response`, as a few lines of Node. */
const bridged =
  (handle: (request: Request) => Promise<Response>): Listener =>
  (incoming, outgoing) => {
    void (async () => {
      const { method = 'GET', url = '' } = incoming;
      const response = await handle(new Request(`http://localhost${url}`, { method }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    })();
  };

const spare = 'from the app';

/** Both handlers as a server sees them: alone, and before an application. */
const HANDLERS: Record<string, { alone: Make; before: Make }> = {
  fetch: {
    alone: (health, config) => bridged(healthFetchHandler(health, config)),
    before: (health, config) => {
      const handle = healthFetchHandler(health, config);
      return bridged((incoming) => handle(incoming, async () => new Response(spare)));
    },
  },
  Node: {
    alone: healthNodeHandler,
    before: (health, config) => {
      const handle = healthNodeHandler(health, config);
      return (incoming, outgoing) => handle(incoming, outgoing, () => outgoing.end(spare));
    },
  },
};
type Make = (health: HealthChecker, config?: HealthHandlerConfig) => Listener;

describe.each(Object.entries(HANDLERS))('the %s handler', (_, { alone, before }) => {
  it('answers that the process lives, whatever else is broken', async () => {
    const { health, fail } = checker();
    fail();
    const get = await serve(alone(health));
    const { status, headers, body } = await get('/livez');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(body)).toMatchObject({ status: 'healthy', ok: true });
    expect(Object.keys(JSON.parse(body).checks)).toStrictEqual(['event loop']);
  });

  it('answers whether the process is ready: 200 also when it is degraded, 503 when it is unhealthy', async () => {
    const { health, fail } = checker();
    const get = await serve(alone(health));
    const ready = await get('/readyz?verbose');
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body)).toMatchObject({
      status: 'degraded',
      checks: { database: { status: 'healthy' } },
    });
    fail();
    const unready = await get('/readyz');
    expect(unready.status).toBe(503);
    expect(JSON.parse(unready.body)).toMatchObject({
      ok: false,
      checks: { database: { status: 'unhealthy' } },
    });
  });

  it('answers HEAD without a body, but with its length', async () => {
    const get = await serve(alone(checker().health));
    const { headers } = await get('/livez');
    expect(await get('/livez', 'HEAD')).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': headers['content-length'] },
    });
  });

  it('refuses other methods, and knows no other path', async () => {
    const get = await serve(alone(checker().health));
    expect(await get('/livez', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    for (const path of ['/', '/livez/', '/livez2', '/constructor', '/__proto__'])
      expect(await get(path)).toMatchObject({ status: 404, body: 'Not found\n' });
  });

  it('passes other paths on', async () => {
    const get = await serve(before(checker().health));
    expect(await get('/orders', 'POST')).toMatchObject({ status: 200, body: spare });
    expect(await get('/livez', 'POST')).toMatchObject({ status: 405 });
    expect(await get('/livez')).toMatchObject({ status: 200, body: expect.stringContaining('healthy') });
  });

  it('shows errors and details only if it is told to', async () => {
    const { health, fail } = checker();
    fail();
    const closed = await serve(alone(health));
    expect((await closed('/readyz')).body).not.toContain('hunter2');
    const open = await serve(alone(health, { details: true }));
    expect(JSON.parse((await open('/readyz')).body).checks.database).toMatchObject({
      error: { name: 'Error', message: `cannot reach ${secret}` },
      details: { url: secret },
    });
  });

  it('answers also when the details are not JSON', async () => {
    const health = new HealthChecker({ events: new EventBus() });
    health.register('big', () => ({ status: 'healthy', details: { size: 2n ** 64n } }));
    const get = await serve(alone(health, { details: true }));
    expect(JSON.parse((await get('/readyz')).body).checks.big).toMatchObject({ status: 'healthy' });
  });

  it('answers within the timeout of a check that never does', async () => {
    const health = new HealthChecker({ events: new EventBus(), timeout: 20 });
    health.register('database', () => NEVER);
    const get = await serve(alone(health));
    expect((await get('/readyz')).status).toBe(503);
  });

  it('answers many at once with one run of the checks', async () => {
    const health = new HealthChecker({ events: new EventBus() });
    let runs = 0;
    health.register('slow', async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return true;
    });
    const get = await serve(alone(health));
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/readyz')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(runs).toBeLessThan(20);
  });

  it('listens where it is told to', async () => {
    const get = await serve(alone(checker().health, { livenessPath: '/alive', readinessPath: '/ready' }));
    expect(
      await Promise.all(['/alive', '/ready', '/livez'].map(async (path) => (await get(path)).status)),
    ).toEqual([200, 200, 404]);
  });
});

describe.each([healthFetchHandler, healthNodeHandler])('$name', (handler) => {
  it.each<[HealthHandlerConfig, RegExp]>([
    [{ livenessPath: 'livez' }, /option "livenessPath" must begin with "\/", got "livez"/],
    [{ livenessPath: '/readyz' }, /option "readinessPath" must differ from "livenessPath"/],
    [{ details: 'yes' as never }, /option "details" must be a boolean/],
    [{ path: '/' } as never, /unknown option "path"/],
  ])('refuses %j', (config, message) => {
    expect(() => handler(checker().health, config)).toThrow(message);
    expect(() => handler(checker().health, config)).toThrow(ConfigurationError);
  });
});

it('a second argument that is no handler is not called: some servers pass one of their own', async () => {
  const handle = healthFetchHandler(checker().health);
  expect((await handle(new Request('http://localhost/'), { env: {} })).status).toBe(404);
});

it('a response that somebody else has ended harms nobody', async () => {
  const handle = healthNodeHandler(checker().health);
  const get = await serve((incoming, outgoing) => {
    handle(incoming, outgoing);
    outgoing.end('too late');
  });
  expect((await get('/livez')).body).toBe('too late');
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server on loopback, and how to ask it: not by `fetch`, which makes up what HEAD leaves out. */
async function serve(listener: Listener): Promise<(path: string, method?: string) => Promise<Answer>> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return (path, method = 'GET') =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      })
        .on('error', reject)
        .end();
    });
}
