/** A median and where that of all possible runs probably lies. */
export interface MedianInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Probability that the interval holds it: at least 0.95, but for fewer than 6 values. */
  readonly coverage: number;
}

const MIN_COVERAGE = 0.95;

/**
 * The interval between two order statistics of independent values, the narrowest that is sure enough: each of them is below the
 * median with a probability of one half, whatever they are distributed like.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  const half = count >> 1;
  const median = count % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  let rank = 0;
  while (rank + 1 < half && coverageFrom(rank + 1, count) >= MIN_COVERAGE) rank++;
  return { median, low: sorted[rank]!, high: sorted[count - 1 - rank]!, coverage: coverageFrom(rank, count) };
}

/** That at least `rank` + 1 of `count` values lie on each side. */
function coverageFrom(rank: number, count: number): number {
  let outside = 0;
  let choose = 1;
  for (let i = 0; i <= rank; i++) {
    outside += choose;
    choose = (choose * (count - i)) / (i + 1);
  }
  return 1 - (2 * outside) / 2 ** count;
}

/** As a note says it. */
export function describeInterval({ median, low, high, coverage }: MedianInterval, pairs: number): string {
  const sure = `${(coverage * 100).toFixed(0)} %`;
  return `median ${median.toFixed(3)} of ${pairs} pairs, ${low.toFixed(3)} to ${high.toFixed(3)} with ${sure}`;
}
