import { map, type Observable, of, pipe, toArray } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import { fallback } from '../../src/fallback/index.ts';
import { protect, resilience, resilient } from '../../src/pipeline/index.ts';
import { retryWithBackoff } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';

interface User {
  readonly name: string;
}
const source = of({ name: 'Ada' }) as Observable<User>;

describe('types are inferred', () => {
  it('by resilience()', () => {
    expectTypeOf(source.pipe(resilience({ retry: 3, timeout: { total: 5_000, first: 100 } }))).toEqualTypeOf<
      Observable<User>
    >();
    expectTypeOf(source.pipe(resilience({ retry: 3, hedge: 100 }))).toEqualTypeOf<Observable<User>>();
    expectTypeOf(
      source.pipe(resilience({ hedge: { delay: { percentile: 0.9 }, maxHedges: 2 } })),
    ).toEqualTypeOf<Observable<User>>();
    expectTypeOf(
      source.pipe(
        resilience({ hedge: { commitOn: (user: User) => user.name !== '', alternatives: [source] } }),
      ),
    ).toEqualTypeOf<Observable<User>>();
    expectTypeOf(source.pipe(resilience({ fallback: null }))).toEqualTypeOf<Observable<User | null>>();
    expectTypeOf(source.pipe(resilience({ fallback: () => of(7) }))).toEqualTypeOf<
      Observable<User | number>
    >();
    expectTypeOf(
      source.pipe(resilience({ fallback: ({ error }) => Promise.resolve([error]) })),
    ).toEqualTypeOf<Observable<User | unknown[]>>();
    expectTypeOf(source.pipe(resilience({ fallback: [() => of(7), 'none'] }))).toEqualTypeOf<
      Observable<User | number | 'none'>
    >();
    expectTypeOf(
      source.pipe(resilience({ fallback: { alternatives: [of(7)], midStream: true }, retry: 2 })),
    ).toEqualTypeOf<Observable<User | number>>();
    expectTypeOf(source.pipe(resilience({ commitOn: (user) => user.name !== '' }))).toEqualTypeOf<
      Observable<User>
    >();
    expectTypeOf(
      source.pipe(
        resilience({ timeout: { total: 5, with: () => of('late') }, retry: { resume: () => of(1) } }),
      ),
    ).toEqualTypeOf<Observable<User | string | number>>();
  });

  it('by an operator that is made once and kept', () => {
    const guarded = resilience({ retry: 3, timeout: 5_000, fallback: ['none'] });
    expectTypeOf(source.pipe(guarded)).toEqualTypeOf<Observable<User | 'none'>>();
    expectTypeOf(of(1).pipe(guarded)).toEqualTypeOf<Observable<number | 'none'>>();
    const stacked = pipe(timeout({ first: 5 }), retryWithBackoff({ maxRetries: 2 }), fallback(of(null)));
    expectTypeOf(source.pipe(stacked)).toEqualTypeOf<Observable<User | null>>();
  });

  it('by protect()', () => {
    const load = async (id: number, _options?: { signal?: AbortSignal }): Promise<User> => ({
      name: `${id}`,
    });
    expectTypeOf(protect(load)).toEqualTypeOf<
      (this: unknown, id: number, options?: { signal?: AbortSignal }) => Promise<User>
    >();
    expectTypeOf(protect(load, retryWithBackoff(3), timeout(5_000))(7)).toEqualTypeOf<Promise<User>>();
    expectTypeOf(protect(load, resilience({ retry: 3, fallback: null }))(7)).toEqualTypeOf<
      Promise<User | null>
    >();
    expectTypeOf(
      protect(
        load,
        map((user) => user.name),
        fallback(0 as number),
      )(7),
    ).toEqualTypeOf<Promise<string | number>>();
    expectTypeOf(protect(() => 7)()).toEqualTypeOf<Promise<number>>();
    expectTypeOf(protect(() => ['a', 'b'])()).toEqualTypeOf<Promise<string[]>>();
    expectTypeOf(protect(() => source)()).toEqualTypeOf<Promise<User | undefined>>();
    expectTypeOf(protect(() => source, toArray())()).toEqualTypeOf<Promise<User[] | undefined>>();
    expectTypeOf(
      protect(async function* () {
        yield 7;
      })(),
    ).toEqualTypeOf<Promise<number | undefined>>();
    const identity = async <T>(value: T) => value;
    expectTypeOf(protect(identity, timeout(5), retryWithBackoff(3))('a')).toEqualTypeOf<Promise<string>>();
    // @ts-expect-error the argument of the function is a number
    void (() => protect(load)('7'));
    // @ts-expect-error a config is not an operator
    void (() => protect(load, { retry: 3 }));
  });

  it('by @resilient, which refuses methods of another kind', () => {
    class Users {
      @resilient(retryWithBackoff(3), timeout(5_000))
      async load(id: number): Promise<User> {
        return { name: `${id}` };
      }

      @resilient(resilience({ retry: 3, commitOn: (user: User) => user.name !== '' }))
      static find(): Promise<User> {
        return Promise.resolve({ name: 'Ada' });
      }

      @resilient(resilience({ retry: 3 }))
      changes(_since: Date): Observable<User> {
        return source;
      }

      @resilient(resilience({ retry: 3 }))
      async query<Row>(_sql: string, rows: Row[]): Promise<Row[]> {
        return rows;
      }

      // @ts-expect-error returns neither a promise nor an Observable
      @resilient(retryWithBackoff(3))
      once(): number {
        return 7;
      }
    }
    expectTypeOf<Users['load']>().toEqualTypeOf<(id: number) => Promise<User>>();
    expectTypeOf<Users['query']>().toEqualTypeOf<<Row>(sql: string, rows: Row[]) => Promise<Row[]>>();
    expectTypeOf<Users['changes']>().toEqualTypeOf<(since: Date) => Observable<User>>();
  });
});
