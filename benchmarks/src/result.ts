/** One line of the table: a ratio of two figures of the same run. */
export interface BenchResult {
  readonly name: string;
  readonly value: number;
  /** What `value` must not exceed, or must reach; null where it is only printed. */
  readonly bound: number | null;
  readonly holds: boolean;
  readonly note: string;
}

export function atMost(name: string, value: number, bound: number, note: string): BenchResult {
  return { name, value, bound, holds: value <= bound, note };
}

export function atLeast(name: string, value: number, bound: number, note: string): BenchResult {
  return { name, value, bound, holds: value >= bound, note };
}

/** Without a bound: what it should be depends on the machine. */
export function printed(name: string, value: number, note: string): BenchResult {
  return { name, value, bound: null, holds: true, note };
}

/** The result, which does not hold if what was measured went wrong. */
export function unless(fault: string | null, result: BenchResult): BenchResult {
  return fault === null ? result : { ...result, holds: false, note: `${result.note}; WRONG: ${fault}` };
}

/** Of the longest name. */
const WIDTH = 76;

export const TABLE_HEAD = `${'ratio'.padEnd(WIDTH)}   value   bound`;

export function formatRow({ name, value, bound, holds, note }: BenchResult): string {
  const numbers = `${value.toFixed(2).padStart(7)} ${(bound?.toFixed(2) ?? '').padStart(7)}`;
  const verdict = !holds ? 'FAILS' : bound === null ? '     ' : 'holds';
  return `${name.padEnd(WIDTH)} ${numbers}  ${verdict}  ${note}`;
}
