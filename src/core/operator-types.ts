import type { Observable } from 'rxjs';

/**
 * An operator that leaves the values as they are, whatever their type. Unlike rxjs' `MonoTypeOperatorFunction<T>` it can
 * be made once, kept in a constant, and put on streams of different types without a type argument.
 */
export type TransparentOperator = <T>(source: Observable<T>) => Observable<T>;

/** An operator that may add values of type `A` to those of any stream. */
export type AddingOperator<A> = <T>(source: Observable<T>) => Observable<T | A>;
