/** The mark of an error's class on its prototype. */
export const brandOf = (name: string): symbol => Symbol.for(`rxjs-resilience/${name}`);

/** A guard that asks for the brand of `name`. */
export function guardFor<E extends Error>(name: string): (error: unknown) => error is E {
  const brand = brandOf(name);
  return (error): error is E => typeof error === 'object' && error !== null && brand in error;
}

/**
 * Gives a class its stable name and its brand, and makes `instanceof` ask for the brand too. All of it lives on the
 * prototype, so an error carries no extra field.
 */
export function brand(constructor: abstract new (...args: never[]) => Error, name: string): void {
  Object.defineProperty(constructor.prototype, 'name', { value: name, writable: true, configurable: true });
  Object.defineProperty(constructor.prototype, brandOf(name), { value: true });
  const hasBrand = guardFor(name);
  Object.defineProperty(constructor, Symbol.hasInstance, {
    // A subclass inherits this method but not the brand: for it, `instanceof` is the ordinary one.
    value(this: unknown, error: unknown) {
      return this === constructor
        ? hasBrand(error)
        : Function.prototype[Symbol.hasInstance].call(this, error);
    },
  });
}
