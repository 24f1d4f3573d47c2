/** Long enough to be in the middle of it, however slow the machine. */
export const ANSWER = Array.from({ length: 300 }, (_, index) => `word-${index}`).join(' ');

/** The name of a caller that wants it slowly begins with this. */
export const SLOW = 'slow';
