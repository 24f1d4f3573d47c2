import { config } from 'rxjs';

/**
 * For what is thrown where nobody can be told: it goes to RxJS' `config.onUnhandledError` if the program has set one, and
 * no further. RxJS itself would make it an uncaught exception, which ends a Node process.
 */
export function reportUnhandled(thrown: unknown): void {
  try {
    config.onUnhandledError?.(thrown);
  } catch {}
}
