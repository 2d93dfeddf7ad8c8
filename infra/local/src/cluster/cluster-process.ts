import { randomBytes } from 'node:crypto';
import { parseLogLine } from './log-line.js';
import { ManagedProcess, type ProcessExit } from './managed-process.js';

/** The four apps, in the order in which they are started. */
export const ROLES = ['tokenizer', 'prefill', 'decode', 'gateway'] as const;
export type Role = (typeof ROLES)[number];

/** The fields of the log line `"msg":"ready"`, which every app writes once when it can work. */
export interface ReadyLine {
  readonly role: string;
  readonly instance: string;
  /** Of its HTTP server. */
  readonly url: string;
  /** Of engines: what computes. */
  readonly backend?: string;
}

/** How far an app is with its model: the log line `"msg":"loading"`, which it may write many times. */
export interface LoadingLine {
  /** From 0 to 1. */
  readonly fraction: number;
}

export interface ClusterProcessOptions {
  readonly role: Role;
  readonly script: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logDirectory: string;
  readonly onLoading?: ((process: ClusterProcess, line: LoadingLine) => void) | undefined;
}

/** One running app. */
export class ClusterProcess {
  readonly role: Role;
  /** Worker id, 8 hex digits. */
  readonly instance = randomBytes(4).toString('hex');
  /** Resolves with the ready line; stays pending if the app never gets there. */
  readonly ready: Promise<ReadyLine>;
  readonly child: ManagedProcess;
  #readyLine: ReadyLine | null = null;

  constructor({ role, script, environment, logDirectory, onLoading }: ClusterProcessOptions) {
    this.role = role;
    let resolveReady: (line: ReadyLine) => void;
    this.ready = new Promise((resolve) => (resolveReady = resolve));
    this.child = new ManagedProcess({
      name: `${role} ${this.instance}`,
      command: process.execPath,
      args: ['--enable-source-maps', script],
      environment: { ...environment, SLICEWAY_INSTANCE: this.instance },
      logFile: `${logDirectory}/${role}-${this.instance}.log`,
      onLine: (line) => {
        if (this.#readyLine !== null) return;
        const entry = parseLogLine(line);
        if (entry?.['msg'] === 'loading' && typeof entry['fraction'] === 'number')
          onLoading?.(this, entry as unknown as LoadingLine);
        if (entry?.['msg'] !== 'ready' || typeof entry['url'] !== 'string') return;
        this.#readyLine = entry as unknown as ReadyLine;
        resolveReady(this.#readyLine);
      },
    });
  }

  /** Role and instance. */
  get name(): string {
    return this.child.name;
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Base URL of its HTTP server (health, metrics). @throws Error before it is ready */
  get url(): string {
    if (this.#readyLine === null) throw new Error(`${this.child.name} is not ready yet; await process.ready first`);
    return this.#readyLine.url;
  }

  /** What its engine computes with; null for apps without one. */
  get backend(): string | null {
    return this.#readyLine?.backend ?? null;
  }

  /** The last log lines, for a person to read. */
  get tail(): string {
    return this.child.tail;
  }

  get logFile(): string {
    return this.child.logFile;
  }

  get isRunning(): boolean {
    return this.child.isRunning;
  }

  /** It runs, and its ready line has come. */
  get isReady(): boolean {
    return this.isRunning && this.#readyLine !== null;
  }

  get exited(): Promise<ProcessExit> {
    return this.child.exited;
  }

  kill(signal?: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
