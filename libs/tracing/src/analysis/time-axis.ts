import { timeText } from './terminal-text.js';

export interface Stretch {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** A request's time over so many columns of the terminal. */
export class TimeAxis {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly columns: number;

  constructor({ startNs, endNs }: Stretch, columns: number) {
    this.startNs = startNs;
    this.endNs = endNs > startNs ? endNs : startNs + 1n;
    this.columns = columns;
  }

  /** A bar that takes one column at least; `fill` says with which character each part of it is drawn, later parts over earlier. */
  bar(parts: readonly { readonly stretch: Stretch; readonly fill: string }[]): string {
    const cells = new Array<string>(this.columns).fill(' ');
    for (const { stretch, fill } of parts) {
      const from = Math.min(this.columns - 1, Math.max(0, Math.floor(this.#column(stretch.startNs))));
      const to = Math.min(this.columns, Math.max(from + 1, Math.round(this.#column(stretch.endNs))));
      cells.fill(fill, from, to);
    }
    return cells.join('');
  }

  /** Ticks under which the bars stand. */
  ruler(): string {
    const cells = new Array<string>(this.columns).fill(' ');
    const put = (text: string, at: number): void => [...text].forEach((character, i) => (cells[at + i] = character));
    const lengthNs = this.endNs - this.startNs;
    put('0', 0);
    const end = timeText(lengthNs);
    const middle = timeText(lengthNs / 2n);
    if (this.columns > 34) put(`│${middle}`, Math.floor(this.columns / 2));
    if (this.columns > 12) put(end, this.columns - end.length);
    return cells.join('');
  }

  #column(atNs: bigint): number {
    return (Number(atNs - this.startNs) / Number(this.endNs - this.startNs)) * this.columns;
  }
}
