/** What nobody caught, a page hears as events of its window: here they come under the names that the tests know from Node. */
type Listener = (reason: unknown) => void;

const EVENTS = { uncaughtException: 'error', unhandledRejection: 'unhandledrejection' } as const;
type Name = keyof typeof EVENTS;

const listeners: Record<Name, Set<Listener>> = {
  uncaughtException: new Set(),
  unhandledRejection: new Set(),
};

for (const name of Object.keys(EVENTS) as Name[]) {
  window.addEventListener(
    EVENTS[name],
    (event: Event) => {
      if (listeners[name].size === 0) return;
      // Somebody waits for it, so it is none of the test runner's business.
      event.preventDefault();
      event.stopImmediatePropagation();
      const { error, reason } = event as Event & { readonly error?: unknown; readonly reason?: unknown };
      for (const listener of listeners[name]) listener(error ?? reason);
    },
    { capture: true },
  );
}

const on = (name: Name, listener: Listener): void => void listeners[name].add(listener);
const off = (name: Name, listener: Listener): void => void listeners[name].delete(listener);

Object.assign(globalThis, {
  process: {
    env: {},
    on,
    off,
    once: on,
    removeListener: off,
    rawListeners: (name: Name) => [...listeners[name]],
    removeAllListeners: (name: Name) => listeners[name].clear(),
  },
});
