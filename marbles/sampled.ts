import {
  asyncScheduler,
  concat,
  defer,
  distinctUntilChanged,
  map,
  NEVER,
  type Observable,
  observeOn,
  of,
  take,
  timer,
} from 'rxjs';

/** What announces nothing by itself, for a lane: read now, and for so many milliseconds at the end of each. */
export function sampled<T>(read: () => T, milliseconds: number): Observable<T> {
  const now = defer(() => of(read()));
  const later = timer(0, 1).pipe(take(milliseconds + 1), observeOn(asyncScheduler), map(read));
  return concat(now, later, NEVER).pipe(distinctUntilChanged());
}
