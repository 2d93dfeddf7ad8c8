import { spawn } from 'node:child_process';
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
