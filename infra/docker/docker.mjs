import { spawnSync } from 'node:child_process';
import { ENVIRONMENT } from './docker.config.mjs';

/** A command of Docker, or of what comes with it, that failed; its message is what it printed. */
export class DockerError extends Error {
  name = 'DockerError';
}

/** Runs a program and returns what it printed. With `show` it prints to our own output instead. */
export function run(program, args, { show = false, env = ENVIRONMENT, cwd, timeoutMs, input } = {}) {
  const stdio = [input === undefined ? 'ignore' : 'pipe', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'];
  const options = { encoding: 'utf8', env, cwd, stdio, input, timeout: timeoutMs, maxBuffer: 1 << 28 };
  const { status, error, stdout, stderr } = spawnSync(program, args, options);
  if (status === 0) return stdout ?? '';
  const words = error?.message ?? `exit code ${status}\n${stdout ?? ''}${stderr ?? ''}`;
  throw new DockerError(`${program} ${args.join(' ')}: ${words}`.trimEnd());
}

export const docker = (args, options) => run('docker', args, options);

/** Why no Docker answers here; null if one does. */
export function dockerProblem() {
  try {
    docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 });
    return null;
  } catch (error) {
    return error.message;
  }
}

export function hasImage(image) {
  return docker(['image', 'ls', '--quiet', image]).trim() !== '';
}

/** Bytes of an image with all of its layers. */
export function imageBytes(image) {
  return Number(docker(['image', 'inspect', '--format', '{{.Size}}', image]));
}

/** The command line of Compose: v2, or docker-compose 1.29; null where there is neither. */
export function composeCommand() {
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    try {
      run(command[0], [...command.slice(1), 'version'], { timeoutMs: 30_000 });
      return command;
    } catch {
      // The next one, then.
    }
  }
  return null;
}
