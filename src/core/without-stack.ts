/** V8 captures as many frames as `Error` says; elsewhere there is nothing to save, and a frozen `Error` stays as it is. */
export function withoutStack<E extends Error>(make: () => E): E {
  const host = Error as { stackTraceLimit?: number };
  const { stackTraceLimit } = host;
  if (stackTraceLimit === undefined || Object.isFrozen(host)) return make();
  host.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    host.stackTraceLimit = stackTraceLimit;
  }
}
