import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where `npm run native` installs: `SLICEWAY_NATIVE`, else `sliceway/native` in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function nativeDirectoryFromEnv(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env['SLICEWAY_NATIVE']?.trim();
  if (chosen) return resolve(chosen);
  const cacheHome = env['XDG_CACHE_HOME'];
  return join(cacheHome && isAbsolute(cacheHome) ? cacheHome : join(homedir(), '.cache'), 'sliceway', 'native');
}

/**
 * Sets what TensorFlow reads from the environment; what the user has set stays. Its own log, which goes past Node to stderr,
 * is kept to errors, and it takes a GPU's memory as it needs it, so that two processes can share one. To be called on the main
 * thread before the first backend loads: a worker thread's environment is a copy that native code does not see.
 */
export function prepareTensorflow(env: NodeJS.ProcessEnv = process.env): void {
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
}
