import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterProcess, type Role } from '../cluster/cluster-process.js';
import { LocalCluster, REPOSITORY_ROOT } from '../cluster/local-cluster.js';
import { describeExit, type ManagedProcess, type ProcessExit } from '../cluster/managed-process.js';
import { StartError, StartErrorCode } from '../cluster/start-error.js';
import { lastWords } from '../cluster/wait-until-ready.js';
import { localConfigFromEnv } from '../local.config.js';
import { provideModel } from '../provide/provide-model.js';
import { provideNatsServer } from '../provide/provide-nats-server.js';
import { type Reporter, reporterTo } from '../reporter.js';
import { type CliOptions, parseCliOptions, USAGE } from './cli-options.js';
import { LoadingProgress } from './loading-progress.js';
import { makeLogDirectory } from './log-directory.js';
import { portProblem } from './port-check.js';
import { INTERRUPTED, StopRequest } from './stop-request.js';
import { summarize } from './summary.js';

export interface CliSurroundings {
  readonly reporter?: Reporter;
  /** See ClusterOptions. */
  readonly appPath?: (role: Role) => string;
  readonly stopTimeoutMs?: number;
  /** One folder per start is made in here. */
  readonly logs?: string;
}

/**
 * `npm start`: provides what is missing, starts the cluster, and stays until it is told to stop or nothing can be served any
 * more. Resolves with the exit code: 0 after Ctrl-C, 1 when it failed, 2 for a wrong command line.
 */
export async function runCli(argv: readonly string[], surroundings: CliSurroundings = {}): Promise<number> {
  const { reporter = reporterTo(process.stdout) } = surroundings;
  const stop = new StopRequest(reporter);
  try {
    const config = localConfigFromEnv();
    const options = parseCliOptions(argv, config.environment);
    if (options === null) {
      reporter.note(USAGE);
      return 0;
    }
    return await serve(options, stop, reporter, surroundings);
  } catch (error) {
    if (error instanceof StartError && error.code === StartErrorCode.ABORTED) return 0;
    const { name, message, stack } = error as Error;
    if (name === 'UsageError') reporter.note(`${message}\n\n${USAGE}`);
    // The known ones say what to do; of others the stack is all there is.
    else reporter.note(`\n${KNOWN_ERRORS.has(name) ? message : (stack ?? message)}`);
    return name === 'UsageError' ? 2 : 1;
  } finally {
    stop.close();
  }
}

const KNOWN_ERRORS = new Set(['ProvisionError', 'DownloadError', 'StartError', 'PortError']);

class PortError extends Error {
  override readonly name = 'PortError';
}

async function serve(
  { counts, host, port }: CliOptions,
  stop: StopRequest,
  reporter: Reporter,
  { appPath, stopTimeoutMs, logs = join(REPOSITORY_ROOT, '.cache', 'logs') }: CliSurroundings,
): Promise<number> {
  const startMs = Date.now();
  const problem = await portProblem(host, port);
  if (problem !== null) {
    throw new PortError(
      `Cannot listen on ${host}:${port} (${problem}); choose another port: npm start -- --port ${port + 1}`,
    );
  }
  const nats = await provideNatsServer({ reporter });
  reporter.note(`nats-server: ${'url' in nats ? nats.url : nats.binary}`);
  const model = await provideModel({ reporter });
  reporter.note(`model: ${model}`);
  const logDirectory = await makeLogDirectory(logs);
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
    signal: stop.beginStart(),
    onLoading: (process, line) => loading.update(process, line),
    onExit: (process, exit) => {
      if (!reportDeath(process, exit, cluster, reporter)) failed();
    },
  }).finally(() => loading.clear());
  stop.cluster = cluster;
  reporter.note(await summarize(cluster, logDirectory, (Date.now() - startMs) / 1000));
  const isFailure = await Promise.race([stop.requested.then(() => false), failure.then(() => true)]);
  await cluster.stop();
  reporter.note(isFailure ? 'Stopped.' : 'Stopped cleanly.');
  if (isFailure) return 1;
  return stop.isForced ? INTERRUPTED : 0;
}

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
