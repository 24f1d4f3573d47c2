/**
 * How many examples a property is tried with that is dear to try. Each run of the tests draws others; to see many of them in
 * one run: `PROPERTY_TIMES=10 npx vitest run test/promise`.
 */
export const times = (runs: number): number => runs * Number(process.env.PROPERTY_TIMES ?? 1);
