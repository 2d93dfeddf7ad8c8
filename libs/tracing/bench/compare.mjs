// What the scripts here share.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Nanoseconds that `count` runs of `work` take each. */
export function nanosecondsEach(count, work) {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / count;
}

/** Microseconds of CPU time, garbage collection in other threads included, that this process has used. */
export function cpuMicroseconds() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @param fault what was wrong with what was timed; null if nothing was */
export function atMost(name, value, bound, note, fault = null) {
  return {
    name,
    value,
    bound,
    holds: fault === null && value <= bound,
    note: fault === null ? note : `${note}; WRONG: ${fault}`,
  };
}

/** What a script ends with: an array of { name, value, bound, holds, note }. */
export function printResults(results) {
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
