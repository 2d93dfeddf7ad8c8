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

export function formatTable(results: readonly BenchResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.map(({ name, value, bound, holds, note }) => {
    const numbers = `${value.toFixed(2).padStart(7)} ${(bound?.toFixed(2) ?? '').padStart(7)}`;
    const verdict = bound === null ? '     ' : holds ? 'holds' : 'FAILS';
    return `${name.padEnd(width)} ${numbers}  ${verdict}  ${note}`;
  });
  return [`${'ratio'.padEnd(width)}   value   bound`, ...lines].join('\n');
}
