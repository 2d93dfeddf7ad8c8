import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';

/** Where scripts that start and stop an API server may lie beside the checkout. */
const SCRIPTS = join(REPOSITORY_ROOT, '..', 'shared', 'tools', 'kube');
const START_TIMEOUT_MS = 150_000;
const TIMEOUT_MS = 60_000;

/** A kubectl, with an API server behind it or alone. */
export class Kubectl {
  private constructor(
    private readonly binary: string,
    /** Of the API server; null without one. */
    private readonly home: string | null,
  ) {}

  static get hasServer(): boolean {
    return existsSync(join(SCRIPTS, 'up.sh'));
  }

  static get isThere(): boolean {
    return Kubectl.hasServer || spawnSync('kubectl', ['version', '--client']).status === 0;
  }

  /** etcd and an API server on the loopback, which keep what they have in a folder; a bare kubectl where these cannot be had. */
  static start(home: string): Kubectl {
    if (!Kubectl.hasServer) return new Kubectl('kubectl', null);
    const kubectl = new Kubectl(join(home, 'bin', 'kubectl'), home);
    try {
      const env = { ...process.env, KUBE_HOME: home };
      execFileSync(join(SCRIPTS, 'up.sh'), ['api'], {
        env,
        timeout: START_TIMEOUT_MS,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    } catch (error) {
      kubectl.stop();
      throw error;
    }
    return kubectl;
  }

  /** Ends the two processes only: the script that stops a cluster would stop another one of this machine as well. */
  stop(): void {
    if (this.home === null) return;
    const folder = join(this.home, 'run', 'pid');
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      try {
        process.kill(Number(readFileSync(join(folder, name), 'utf8')), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }

  run(args: readonly string[], input = ''): SpawnSyncReturns<string> {
    const KUBECONFIG = this.home === null ? '/dev/null' : join(this.home, 'run', 'kubeconfig');
    const env = { ...process.env, KUBECONFIG };
    return spawnSync(this.binary, args, { encoding: 'utf8', env, input, timeout: TIMEOUT_MS, maxBuffer: 1 << 26 });
  }

  /** @throws Error with what it said when it fails */
  output(args: readonly string[], input = ''): string {
    const { status, stdout, stderr, error } = this.run(args, input);
    if (status === 0) return stdout;
    throw new Error(`kubectl ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
}
