/** Whether two values are alike through and through: also their classes, and fields that are `undefined`. */
export function same(one: unknown, other: unknown): boolean {
  return alike(one, other, new Map());
}

/** `assumed`: pairs that are being compared further up; a value that contains itself is like its like. */
function alike(one: unknown, other: unknown, assumed: Map<object, object>): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (assumed.get(one) === other) return true;
  assumed.set(one, other);
  if (one instanceof Date && other instanceof Date) return Object.is(one.getTime(), other.getTime());
  if (one instanceof RegExp && other instanceof RegExp) return String(one) === String(other);
  const [these, those] = [contentOf(one), contentOf(other)];
  return (
    these.size === those.size &&
    [...these].every(([key, value]) => those.has(key) && alike(value, those.get(key), assumed))
  );
}

/** The parts of an object by what they are called there. A Set is its members in order, an Error has a message. */
function contentOf(value: object): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map) return value;
  if (value instanceof Set) return new Map([...value].entries());
  const content = new Map<unknown, unknown>(
    Reflect.ownKeys(value).map((key) => [key, Reflect.get(value, key)]),
  );
  // Where an error was made says nothing about what it is.
  if (value instanceof Error) content.delete('stack');
  return content;
}
