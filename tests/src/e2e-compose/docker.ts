import { spawn, spawnSync } from 'node:child_process';
import { REPOSITORY_ROOT } from '@sliceway/local';

/** A command that failed; the message has what it printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a program in the repository and returns what it printed; `signal` ends it. @throws CommandError */
export async function run(
  program: string,
  args: readonly string[],
  env = process.env,
  signal?: AbortSignal,
): Promise<string> {
  // Ctrl-C on a terminal is ours alone: what takes the cluster down must not hear of it.
  const child = spawn(program, args, {
    cwd: REPOSITORY_ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(signal ? { signal } : {}),
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (errors += String(data)));
  const code = await new Promise<number | string | null>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', resolve);
  });
  if (code === 0) return output;
  throw new CommandError(`${program} ${args.join(' ')} (${code}):\n${errors.slice(-4000)}${output.slice(-4000)}`);
}

export async function docker(...args: readonly string[]): Promise<string> {
  return (await run('docker', args)).trim();
}

/** What `docker inspect` says of containers, as far as it is looked at here. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Health?: { readonly Status: string } };
  readonly Config: { readonly User: string; readonly Image: string; readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
  };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string }[] | null>>;
  };
}

export async function inspect(ids: readonly string[]): Promise<Container[]> {
  return ids.length === 0 ? [] : (JSON.parse(await docker('inspect', ...ids)) as Container[]);
}

/** The command line of Compose, v2 or 1.29; null where there is neither, or no Docker. */
export function composeCommand(): readonly string[] | null {
  const answers = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;
  if (!answers('docker', 'info')) return null;
  if (answers('docker', 'compose', 'version')) return ['docker', 'compose'];
  return answers('docker-compose', 'version') ? ['docker-compose'] : null;
}
