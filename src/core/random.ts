/** The only source of chance, and the default of every `random` option: a number in [0, 1). */
export const defaultRandom = (): number => Math.random();
