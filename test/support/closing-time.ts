import type { FaultServer } from './fault-server.ts';

/**
 * Milliseconds that this process has had: one tick each, and none for the time in which the machine was busy with others.
 * What has to happen soon is measured in them, because a slow machine is no fault of it.
 */
export class Ticks implements Disposable {
  elapsed = 0;
  readonly #timer = setInterval(() => this.elapsed++, 1);

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Milliseconds that the wall waits until the client has closed, from the moment when it leaves. */
export async function closingTime(wall: FaultServer, leave: () => void): Promise<number> {
  const attempt = await wall.attempt(0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  using ticks = new Ticks();
  leave();
  await attempt.closed;
  const time = attempt.clientClosedAt === undefined ? Infinity : ticks.elapsed;
  await wall.idle();
  return time;
}
