import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { formatLogLine } from './log-line.js';
import { watchChild } from './reaper.js';

export interface ProcessSpec {
  /** Names it in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Its stdout and stderr are appended here; the folder is made. */
  readonly logFile: string;
  /** Sees each line of stdout and stderr. */
  readonly onLine?: (line: string) => void;
}

/** How a process ended: by itself with a code, by a signal, or never started (`error`). */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

/** Enough for a stack trace and what led to it. */
const TAIL_LINES = 20;

/**
 * A child process with a log file. It has a process group of its own, so that Ctrl-C on a terminal reaches only its parent,
 * which then stops it in order; and it ends when its parent does, however that happens.
 */
export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when the process is gone and its last output is in the log; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #tail: string[] = [];
  #isRunning = true;

  constructor(spec: ProcessSpec) {
    this.name = spec.name;
    this.logFile = spec.logFile;
    mkdirSync(dirname(spec.logFile), { recursive: true });
    const log = createWriteStream(spec.logFile, { flags: 'a' });
    // A full disk must not take the cluster down.
    log.on('error', () => {});
    const { command, args, environment } = spec;
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    watchChild(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(log, { end: false });
      createInterface({ input: stream }).on('line', (line) => {
        this.#tail.push(line);
        if (this.#tail.length > TAIL_LINES) this.#tail.shift();
        spec.onLine?.(line);
      });
    }
    this.#child = child;
    this.exited = new Promise((resolve) => {
      const end = (exit: ProcessExit) => {
        this.#isRunning = false;
        log.end(() => resolve(exit));
      };
      child.once('error', (error) => end({ code: null, signal: null, error }));
      child.once('close', (code, signal) => end({ code, signal, error: null }));
    });
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The last log lines, for a person to read. */
  get tail(): string {
    return this.#tail.map(formatLogLine).join('\n');
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#isRunning) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL if that was not enough within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<ProcessExit> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** "exited with code 1" and the like. */
export function describeExit({ code, signal, error }: ProcessExit): string {
  if (error !== null) return `could not be started: ${error.message}`;
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
