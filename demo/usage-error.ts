/** The command line or the environment asks for something that cannot be; the message is for the person at the keyboard. */
export class UsageError extends Error {}
