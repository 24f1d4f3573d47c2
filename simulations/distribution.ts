/** Durations by chance. */
export type Duration = () => number;

/**
 * Most are near the median, few are much longer: as first tokens come.
 *
 * @param spread of the logarithm: with 0.25, two thirds lie between 78 and 128 % of the median; with 1, one in a hundred is
 * ten times as long.
 */
export function lognormal(median: number, spread: number, random: () => number): Duration {
  return () => median * Math.exp(spread * normal(random));
}

/** The gaps between arrivals that know nothing of each other. @param perSecond how many arrive on average */
export function exponential(perSecond: number, random: () => number): Duration {
  return () => (-Math.log(1 - random()) * 1_000) / perSecond;
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
