/** Where progress is shown; process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream?: ProgressStream;
  /** A clock, for tests. */
  readonly nowMs?: () => number;
}

/** On a terminal the line is redrawn this often; elsewhere a new line is due that often. */
const REDRAW_MS = 100;
const LINE_MS = 5_000;
const BAR_WIDTH = 24;

/** Shows how far something is: one line with bar, rate and remaining time on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #label: string;
  readonly #stream: ProgressStream;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  #firstBytes: number | null = null;
  #doneBytes = 0;
  #totalBytes: number | null = null;
  #shownMs: number;

  constructor(label: string, { stream = process.stderr, nowMs = Date.now }: ProgressOptions = {}) {
    this.#label = label;
    this.#stream = stream;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
    // The first redraw is due at once, the first plain line only when it takes a while.
    this.#shownMs = stream.isTTY === true ? -Infinity : this.#startMs;
  }

  /** Bytes so far, out of `totalBytes` if that is known. Cheap: most calls show nothing. */
  update(doneBytes: number, totalBytes: number | null = null): void {
    // What was there at the first call (a continued download) does not count for the rate.
    this.#firstBytes ??= doneBytes;
    this.#doneBytes = doneBytes;
    this.#totalBytes = totalBytes;
    const isTerminal = this.#stream.isTTY === true;
    const now = this.#nowMs();
    if (now - this.#shownMs < (isTerminal ? REDRAW_MS : LINE_MS)) return;
    this.#shownMs = now;
    if (isTerminal) this.#redraw(this.#bar());
    else this.#stream.write(`${this.#label}: ${this.#numbers()}\n`);
  }

  /** Ends the line with what was done. */
  finish(): void {
    const seconds = ((this.#nowMs() - this.#startMs) / 1000).toFixed(1);
    const text = `${this.#label}: ${formatBytes(this.#doneBytes)} in ${seconds} s`;
    if (this.#stream.isTTY === true) this.#redraw(`${text}\n`);
    else this.#stream.write(`${text}\n`);
  }

  /** Takes an unfinished bar off the terminal, so that a message can follow. */
  clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\x1b[K');
  }

  #redraw(text: string): void {
    this.#stream.write(`\r\x1b[K${text}`);
  }

  #bar(): string {
    const total = this.#totalBytes;
    const filled = total === null || total === 0 ? 0 : Math.floor(Math.min(this.#doneBytes / total, 1) * BAR_WIDTH);
    const bar = `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]`;
    const line = total === null ? `${this.#label} ${this.#numbers()}` : `${this.#label} ${bar} ${this.#numbers()}`;
    // A line that wraps would not be overwritten by the next one.
    return line.slice(0, (this.#stream.columns || 80) - 1);
  }

  #numbers(): string {
    const elapsedMs = this.#nowMs() - this.#startMs;
    const bytesPerSecond = elapsedMs > 0 ? ((this.#doneBytes - (this.#firstBytes ?? 0)) * 1000) / elapsedMs : 0;
    const rate = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : '';
    const total = this.#totalBytes;
    if (total === null) return `${formatBytes(this.#doneBytes)}${rate}`;
    const percent = total === 0 ? 100 : Math.floor((this.#doneBytes / total) * 100);
    const left = bytesPerSecond > 0 ? `, ${formatSeconds((total - this.#doneBytes) / bytesPerSecond)} left` : '';
    return `${percent} % of ${formatBytes(total)}${rate}${left}`;
  }
}

/** 98362432 as "98.4 MB": decimal units, as hubs and disks count. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}
