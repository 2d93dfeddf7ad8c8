import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterProcess, type Role } from '../cluster/cluster-process.js';
import { LocalCluster, REPOSITORY_ROOT } from '../cluster/local-cluster.js';
import { describeExit, type ManagedProcess, type ProcessExit } from '../cluster/managed-process.js';
import { lastWords } from '../cluster/wait-until-ready.js';
import { localConfigFromEnv } from '../local.config.js';
import { provideModel } from '../provide/provide-model.js';
import { provideNatsServer } from '../provide/provide-nats-server.js';
import type { Reporter } from '../reporter.js';
import type { CliOptions } from './cli-options.js';
import { LoadingProgress } from './loading-progress.js';
import { makeLogDirectory } from './log-directory.js';
import { portProblem } from './port-check.js';
import { INTERRUPTED, type StopRequest } from './stop-request.js';

export interface ServeSurroundings {
  /** See ClusterOptions. */
  readonly appPath?: (role: Role) => string;
  readonly stopTimeoutMs?: number;
  /** One folder per start is made in here. */
  readonly logs?: string;
}

/** What a program does with the cluster that `serve` runs for it. */
export interface ServeTask {
  /** Before anything is started. @returns more of the services' environment */
  prepare?(logDirectory: string): Promise<Readonly<Record<string, string>>>;
  /** Once all is up. @returns whether to go on serving */
  run(up: UpCluster): Promise<boolean>;
  /** After the services have stopped, or when they did not start. */
  close?(): Promise<void>;
}

export interface UpCluster {
  readonly cluster: LocalCluster;
  readonly logDirectory: string;
  /** Where the services keep their last traces. */
  readonly traceDirectory: string;
  readonly startSeconds: number;
  /** Aborts when the program was told to stop. */
  readonly signal: AbortSignal;
}

/** A port that cannot be had. */
export class PortError extends Error {
  override readonly name = 'PortError';
}

/**
 * Provides what is missing, starts the cluster, does the task, and stays until it is told to stop or nothing can be served
 * any more. Resolves with the exit code: 0 when it was told to stop, 1 when it failed, 130 when it was killed.
 */
export async function serve(
  { counts, host, port }: CliOptions,
  stop: StopRequest,
  reporter: Reporter,
  { appPath, stopTimeoutMs, logs = join(REPOSITORY_ROOT, '.cache', 'logs') }: ServeSurroundings,
  task: ServeTask,
): Promise<number> {
  const startMs = Date.now();
  const problem = await portProblem(host, port);
  if (problem !== null) {
    throw new PortError(`Cannot listen on ${host}:${port} (${problem}); choose another port: -- --port ${port + 1}`);
  }
  const nats = await provideNatsServer({ reporter });
  reporter.note(`nats-server: ${'url' in nats ? nats.url : nats.binary}`);
  const model = await provideModel({ reporter });
  reporter.note(`model: ${model}`);
  const logDirectory = await makeLogDirectory(logs);
  const traceDirectory = localConfigFromEnv().traceDirectory ?? join(logDirectory, 'traces');
  const signal = stop.beginStart();
  try {
    const added = await task.prepare?.(logDirectory);
    reporter.note(`Starting the services, logs in ${logDirectory}`);
    const loading = new LoadingProgress(reporter, (await stat(model)).size);
    let failed = () => {};
    const failure = new Promise<void>((resolve) => (failed = resolve));
    const cluster = await LocalCluster.start({
      counts,
      host,
      port,
      model,
      logDirectory,
      ...('url' in nats ? { natsUrl: nats.url } : { natsServer: nats.binary }),
      ...(appPath === undefined ? {} : { appPath }),
      ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
      env: { SLICEWAY_TRACE_DIRECTORY: traceDirectory, ...added },
      signal,
      onLoading: (process, line) => loading.update(process, line),
      onExit: (process, exit) => {
        if (!reportDeath(process, exit, cluster, reporter)) failed();
      },
    }).finally(() => loading.clear());
    stop.cluster = cluster;
    const startSeconds = (Date.now() - startMs) / 1000;
    const work = task.run({ cluster, logDirectory, traceDirectory, startSeconds, signal });
    const end = await Promise.race([
      stop.requested.then(() => END.stopped),
      failure.then(() => END.failed),
      work.then((goesOn) => (goesOn ? new Promise<never>(() => {}) : END.done)),
    ]).catch(async (error: unknown) => {
      await cluster.stop();
      throw error;
    });
    await cluster.stop();
    reporter.note(end === END.failed ? 'Stopped.' : 'Stopped cleanly.');
    if (end === END.failed) return 1;
    return stop.isForced ? INTERRUPTED : 0;
  } finally {
    await task.close?.();
  }
}

const END = { stopped: 'stopped', failed: 'failed', done: 'done' } as const;

/** Tells of a dead child; true if the others can go on serving. */
function reportDeath(
  process: ClusterProcess | ManagedProcess,
  exit: ProcessExit,
  cluster: LocalCluster,
  reporter: Reporter,
): boolean {
  const left = process instanceof ClusterProcess ? cluster.running(process.role).length : 0;
  const role = process instanceof ClusterProcess ? process.role : process.name;
  const outlook = left > 0 ? `${left} ${role} left: still serving.` : `No ${role} left: stopping.`;
  reporter.note(`\n!! ${process.name} ${describeExit(exit)}${lastWords(process)}\n!! ${outlook}`);
  return left > 0;
}
