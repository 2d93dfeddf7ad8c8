import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { run } from '../run-command.fixture.js';

const KUBECTL = process.env['KUBECTL'] || 'kubectl';
const PROBE_TIMEOUT_MS = 20_000;
const FORWARD_TIMEOUT_MS = 20_000;

/** Runs kubectl with the KUBECONFIG of the environment. @throws CommandError */
export function kubectl(...args: readonly string[]): Promise<string> {
  return run(KUBECTL, args);
}

/** Why nothing can run: no kubectl, no cluster that answers, or none with a node that is ready. Null when it can. */
export function clusterProblem(): string | null {
  const { error, status, stdout, stderr } = spawnSync(
    KUBECTL,
    [
      'get',
      'nodes',
      '--request-timeout=10s',
      '--output=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
    ],
    { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS },
  );
  if (error !== undefined) return `${KUBECTL}: ${error.message}`;
  if (status !== 0) return `no Kubernetes answers: ${stderr.trim().split('\n').at(-1)}`;
  return stdout.includes('True') ? null : 'the cluster has no node that is ready';
}

/** `kubectl port-forward` to a Service, for as long as it is not stopped. */
export class PortForward {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async to(namespace: string, service: string, port: number): Promise<PortForward> {
    const args = ['--namespace', namespace, 'port-forward', `service/${service}`, `:${port}`];
    const child = spawn(KUBECTL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`port-forward to ${service} ${why}: ${output}`));
      const timer = setTimeout(() => fail('took too long'), FORWARD_TIMEOUT_MS);
      child.once('error', ({ message }) => fail(message));
      child.once('exit', () => fail('ended'));
      // The rest is read, too: a full pipe would stop it.
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data) => {
          if (output.length < 10_000) output += String(data);
          const found = /127\.0\.0\.1:(\d+) ->/.exec(output);
          if (found === null) return;
          clearTimeout(timer);
          resolve(`http://127.0.0.1:${found[1]}`);
        });
      }
    }).catch((error: unknown) => {
      child.kill();
      throw error;
    });
    return new PortForward(child, url);
  }

  stop(): void {
    this.child.kill();
  }
}
