/** A marble test failed, or was used in a way that would have let it pass without a check. The message says which. */
export class MarbleError extends Error {
  static {
    Object.defineProperty(this.prototype, 'name', {
      value: 'MarbleError',
      writable: true,
      configurable: true,
    });
  }
}

/** What happened is not what was expected. Only this is what the `.not` of a matcher may be after: a mistake is none. */
export class MarbleDifference extends MarbleError {}
