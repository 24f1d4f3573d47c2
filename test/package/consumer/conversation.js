import { debounceTime, switchMap } from 'rxjs';
import { fixedBackoff, ResilientProvider, snapshots } from 'rxjs-resilience';

/** What the screen shows of the answer to what the user types; the next question ends the answer before. */
export function conversation(question$, provider, spare) {
  const retry = { maxRetries: 1, backoff: fixedBackoff(1_000) };
  const assistant = new ResilientProvider({ provider, fallbackProvider: spare, retry, recovery: 'restart' });
  const answer = (content) => assistant.stream([{ role: 'user', content }]).pipe(snapshots());
  return question$.pipe(debounceTime(300), switchMap(answer));
}
