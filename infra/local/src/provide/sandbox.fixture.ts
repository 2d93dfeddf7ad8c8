import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { PackageIndex } from './wheel.fixture.js';

/** A machine that has Python, an empty cache and a package index of its own. */
export class Sandbox {
  readonly notes: string[] = [];
  readonly reporter: Reporter = {
    note: (message) => void this.notes.push(message),
    progress: (label) => ({ update: () => {}, finish: () => void this.notes.push(label), clear: () => {} }),
  };

  private constructor(
    readonly directory: string,
    readonly index: PackageIndex,
  ) {}

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), 'sliceway-sandbox-')), await new PackageIndex().start());
    // The interpreter itself: what PATH has may be a script that needs the rest of PATH.
    const { stdout } = await promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable, end="")']);
    await sandbox.addProgram('python3', `exec '${stdout}' "$@"`);
    return sandbox;
  }

  get binDirectory(): string {
    return join(this.directory, 'bin');
  }

  /** The configuration for an environment that has only this sandbox and `env`. */
  config(env: NodeJS.ProcessEnv = {}): LocalConfig {
    return localConfigFromEnv({
      PATH: this.binDirectory,
      HOME: this.directory,
      XDG_CACHE_HOME: join(this.directory, 'cache'),
      PIP_INDEX_URL: this.index.url,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_RETRIES: '0',
      ...env,
    });
  }

  /** Puts a shell script on PATH, or at `path`. */
  async addProgram(name: string, script: string, directory = this.binDirectory): Promise<string> {
    const path = join(directory, name);
    await mkdir(directory, { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  async remove(): Promise<void> {
    this.index.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
