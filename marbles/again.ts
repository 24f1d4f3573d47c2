import { Observable } from 'rxjs';

/** A consumer that subscribes once again, there and then, when it hears of the end. */
export function again<T>(source: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    const next = (): void => subscriber.add(source.subscribe(subscriber));
    subscriber.add(
      source.subscribe({ next: (value) => subscriber.next(value), error: next, complete: next }),
    );
  });
}
