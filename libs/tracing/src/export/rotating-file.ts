import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface RotatingFileOptions {
  /** Of the newest file; older ones have `.1`, `.2` … before the extension. */
  readonly path: string;
  readonly maxBytes: number;
  /** How many are kept, the newest included. */
  readonly maxFiles: number;
}

/** Lines in a file that is put aside when it is full; the oldest one is deleted. A line is written whole or not at all. */
export class RotatingFile {
  #descriptor: number | null = null;
  #size = 0;

  constructor(private readonly options: RotatingFileOptions) {}

  /** @throws Error when the file cannot be written */
  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    if (this.#descriptor !== null && this.#size > 0 && this.#size + bytes.length > this.options.maxBytes)
      this.#rotate();
    const descriptor = (this.#descriptor ??= this.#open());
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // A full disk took a part of the line.
      if (written > 0) ftruncateSync(descriptor, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #open(): number {
    mkdirSync(dirname(this.options.path), { recursive: true });
    const descriptor = openSync(this.options.path, 'a');
    this.#size = fstatSync(descriptor).size;
    return descriptor;
  }

  #rotate(): void {
    const { maxFiles } = this.options;
    this.close();
    rmSync(this.#numbered(maxFiles - 1), { force: true });
    for (let i = maxFiles - 2; i >= 0; i--) {
      if (existsSync(this.#numbered(i))) renameSync(this.#numbered(i), this.#numbered(i + 1));
    }
  }

  #numbered(i: number): string {
    return i === 0 ? this.options.path : this.options.path.replace(/(\.\w+)?$/, `.${i}$1`);
  }
}

/**
 * Deletes the files of processes that have ended, but for the newest `keep`. Never throws.
 *
 * @param pattern of names, with the pid
 * @param own name of this process's newest file: in a container every process before it had its pid
 */
export function pruneFiles(directory: string, pattern: RegExp, keep: number, own: string): void {
  const stem = own.replace(/\w+$/, '');
  const hasEnded = (name: string): boolean => {
    const pid = Number(pattern.exec(name)?.[1]);
    return pid === process.pid ? !name.startsWith(stem) : !Number.isNaN(pid) && !isAlive(pid);
  };
  try {
    const ended = readdirSync(directory)
      .filter(hasEnded)
      .map((name) => ({ path: join(directory, name), timeMs: statSync(join(directory, name)).mtimeMs }))
      .sort((a, b) => b.timeMs - a.timeMs);
    for (const { path } of ended.slice(keep)) rmSync(path, { force: true });
  } catch {
    // Another process was faster, or the directory is not there yet.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
