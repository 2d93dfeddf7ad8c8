import type { ClusterProcess, LoadingLine, Role } from './cluster-process.js';
import type { ManagedProcess, ProcessExit } from './managed-process.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ClusterOptions {
  /** Path of the model. */
  readonly model: string;
  /** One log file per process goes here; the folder is made. */
  readonly logDirectory: string;
  /** Processes per role; default one of each. */
  readonly counts?: Partial<Record<Role, number>>;
  /** A broker that runs already; default: one of our own on a free port. */
  readonly natsUrl?: string;
  /** The binary to start our own with; default: what `provideNatsServer` finds. */
  readonly natsServer?: string;
  /** Port of the first gateway; 0, the default, is a free one. All other HTTP servers always take a free one. */
  readonly port?: number;
  /** Address of all HTTP servers; default 127.0.0.1. */
  readonly host?: string;
  /** Added to the environment of this process; by process, counted per role from 0, if it is a function. */
  readonly env?: Environment | ((role: Role, index: number) => Environment);
  /** The script of an app; default `apps/<role>/dist/main.js` of this repository. */
  readonly appPath?: (role: Role) => string;
  /** Until all is ready, model loading included. Default 120 s. */
  readonly readyTimeoutMs?: number;
  /** Until a process that does not end on SIGTERM is killed. Default 20 s: running requests may finish first. */
  readonly stopTimeoutMs?: number;
  /** A process, or nats-server, that ended although nobody called `stop`, once the cluster is up. */
  readonly onExit?: (process: ClusterProcess | ManagedProcess, exit: ProcessExit) => void;
  readonly onLoading?: (process: ClusterProcess, line: LoadingLine) => void;
  /** Gives a start up; everything started is stopped before the promise rejects. */
  readonly signal?: AbortSignal;
}
