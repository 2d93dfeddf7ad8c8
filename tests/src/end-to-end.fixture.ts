import { setTimeout as sleep } from 'node:timers/promises';

/** What is under way when the run is interrupted ends within it. */
const ABORT_MS = 15_000;

type Say = (line: string) => void;

/** One thing that must hold of a running cluster. @throws when it does not */
export type Check<T> = (cluster: T, say: Say) => Promise<void>;

export interface EndToEnd<T> {
  readonly name: string;
  /** Why nothing can run; null when it can. */
  readonly problem: string | null;
  /** Makes what is looked at, but brings nothing up. */
  readonly prepare: (signal: AbortSignal) => Promise<T>;
  readonly bringUp: (cluster: T) => Promise<void>;
  readonly checks: readonly Check<T>[];
  readonly takeDown: (cluster: T) => Promise<void>;
}

export const say: Say = (line) => void process.stdout.write(`${line}\n`);

export const secondsSince = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(0)} s`;

/** Runs the checks and takes down what was brought up, whatever happens; ends the process, with 0 where nothing can run. */
export async function runEndToEnd<T>(options: EndToEnd<T>): Promise<never> {
  const { name, problem } = options;
  if (problem === null) await checked(options).catch(fail);
  else say(`${name} is skipped: ${problem}`);
  // Whatever else is open: all is said, and nothing of ours is left.
  process.exit();
}

async function checked<T>({ name, prepare, bringUp, checks, takeDown }: EndToEnd<T>): Promise<void> {
  const interrupt = new AbortController();
  const { signal } = interrupt;
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(each, () => interrupt.abort(new Error(`interrupted by ${each}`)));
  }
  const cluster = await prepare(signal);
  const interrupted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const work = look();
  try {
    await Promise.race([work, interrupted]);
    say(`${name}: all of it holds.`);
  } catch (error) {
    // Said at once: what is taken down after it may fail as well.
    fail(error);
  } finally {
    // What was under way notices by itself; until then it could still make something.
    if (signal.aborted) await Promise.race([work.catch(() => {}), sleep(ABORT_MS)]);
    await takeDown(cluster);
  }

  async function look(): Promise<void> {
    signal.throwIfAborted();
    await bringUp(cluster);
    for (const check of checks) {
      signal.throwIfAborted();
      await check(cluster, say);
    }
  }
}

function fail(error: unknown): void {
  const { stack, cause } = error as Error;
  process.stderr.write(`${stack ?? String(error)}\n${cause === undefined ? '' : `${String(cause)}\n`}`);
  process.exitCode = 1;
}
