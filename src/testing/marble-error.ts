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
