import { spawnSync } from 'node:child_process';
import { ENVIRONMENT } from './docker.config.mjs';

/** A command of Docker, or of what comes with it, that failed; its message is what it printed. */
export class DockerError extends Error {
  name = 'DockerError';
}

/** Runs a program and returns what it printed. With `show` it prints to our own output instead. */
export function run(program, args, { show = false, env = ENVIRONMENT, cwd, timeoutMs } = {}) {
  const stdio = ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'];
  const options = { encoding: 'utf8', env, cwd, stdio, timeout: timeoutMs, maxBuffer: 1 << 28 };
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

/** Bytes of an image with all of its layers. */
export function imageBytes(image) {
  return Number(docker(['image', 'inspect', '--format', '{{.Size}}', image]));
}

/** As `imageBytes`, of an image that others are built on: BuildKit keeps it to itself. */
export function baseBytes(image) {
  try {
    return imageBytes(image);
  } catch {
    docker(['pull', '--quiet', image]);
    return imageBytes(image);
  }
}
