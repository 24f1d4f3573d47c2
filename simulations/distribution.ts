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

/** The polar method of Marsaglia: no sines, which are not the same in every engine. */
function normal(random: () => number): number {
  for (;;) {
    const [x, y] = [2 * random() - 1, 2 * random() - 1];
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}
