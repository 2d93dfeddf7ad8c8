import { randomBytes } from 'node:crypto';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../run-command.fixture.js';
import { until } from '../until.fixture.js';
import { kubectl, PortForward } from './kubectl.js';

const OVERLAY = 'infra/k8s/overlays/e2e';
const NAMESPACE = 'sliceway-e2e';
const VOLUME = 'sliceway-e2e-models';
/** That of overlays/e2e/model-volume.yaml, on the node. */
const MODELS = '/var/lib/sliceway-e2e/models';
const DEPLOYMENTS = ['collector', 'jaeger', 'gateway', 'tokenizer', 'prefill', 'decode', 'client'];
const PASSWORDS = ['gateway', 'tokenizer', 'prefill', 'decode', 'operator'];
const USER_ID = 1000;
const POLL_TIMEOUT_MS = 180_000;
const READY_TIMEOUT = '300s';

export interface Pod {
  readonly name: string;
  readonly isReady: boolean;
}

export interface KubeClusterOptions {
  /** A .gguf. */
  readonly model: string;
  /** Command that brings a folder to the node: it gets the folder here, and its path there. Null: the node is this machine. */
  readonly modelLoad: string | null;
}

/** What overlays/e2e brings up: all of it is in a namespace of its own, but for one volume. */
export class KubeCluster {
  readonly #options: KubeClusterOptions;
  #forwards: PortForward[] = [];
  #gateway = '';
  #jaeger = '';
  #hasBegun = false;

  constructor(options: KubeClusterOptions) {
    this.#options = options;
  }

  get gateway(): string {
    return this.#gateway;
  }

  get jaeger(): string {
    return this.#jaeger;
  }

  /** The images that the overlay names. */
  static async images(): Promise<string[]> {
    const rendered = await kubectl('kustomize', OVERLAY);
    return [...new Set(Array.from(rendered.matchAll(/^ *(?:- )?image: (\S+)$/gm), ([, image]) => image!))];
  }

  /** Applies the overlay and waits until all of it is ready. */
  async up(): Promise<void> {
    const there = await kubectl('get', 'namespace', NAMESPACE, '--ignore-not-found', '--output=name');
    if (there !== '') {
      throw new Error(
        `the cluster has a namespace ${NAMESPACE}, which this would delete: kubectl delete namespace ${NAMESPACE}`,
      );
    }
    this.#hasBegun = true;
    await this.#bringModel();
    await kubectl('apply', '--kustomize', OVERLAY);
    const literals = PASSWORDS.map((user) => `--from-literal=${user}=pw${randomBytes(24).toString('hex')}`);
    await this.kubectl('create', 'secret', 'generic', 'nats-passwords', ...literals);
    try {
      await this.kubectl('rollout', 'status', 'statefulset/nats', `--timeout=${READY_TIMEOUT}`);
      for (const name of DEPLOYMENTS) await this.untilRolledOut(name);
    } catch (error) {
      throw new Error(await this.#describe(), { cause: error });
    }
    this.#gateway = await this.#forward('gateway', 8000);
    this.#jaeger = await this.#forward('jaeger', 16686);
  }

  /** Deletes all that `up` made. */
  async down(): Promise<void> {
    for (const forward of this.#forwards) forward.stop();
    this.#forwards = [];
    if (!this.#hasBegun) return;
    // A namespace that goes waits for half of the time that its pods are given to drain (ten minutes), however soon they end.
    // Where they do not end in time, it goes all the same.
    const ended = this.kubectl('delete', 'deployments,statefulsets', '--all', '--cascade=foreground', '--timeout=180s');
    await ended.catch(() => {});
    await kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=180s');
    await kubectl('delete', 'persistentvolume', VOLUME, '--ignore-not-found', '--timeout=60s');
    if (this.#options.modelLoad === null) rmSync(MODELS, { recursive: true, force: true });
  }

  /** kubectl in the namespace. */
  kubectl(...args: readonly string[]): Promise<string> {
    return kubectl('--namespace', NAMESPACE, ...args);
  }

  /** Lines of OTLP that the collector wrote last. */
  traceFile(): Promise<string> {
    const read = `process.stdout.write(require('node:fs').readFileSync('/traces/traces.jsonl'))`;
    return this.kubectl('exec', 'deployment/collector', '--container=traces', '--', 'node', '--eval', read);
  }

  async untilRolledOut(deployment: string): Promise<void> {
    await this.kubectl('rollout', 'status', `deployment/${deployment}`, `--timeout=${READY_TIMEOUT}`);
  }

  /** Those of a Deployment that are not on their way out, unless `all`. */
  async pods(deployment: string, all = false): Promise<Pod[]> {
    const list = await this.kubectl(
      ...['get', 'pods', '--selector', `app.kubernetes.io/name=${deployment}`],
      '--output=jsonpath={range .items[*]}{.metadata.name} {.metadata.deletionTimestamp} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
    );
    return list
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .filter(([, deleted]) => all || deleted === '')
      .map(([name, , ready]) => ({ name: name!, isReady: ready === 'True' }));
  }

  /** Waits until none of these is there any more, and `count` others are ready. */
  async untilReplaced(deployment: string, old: readonly string[], count: number): Promise<void> {
    await until(`${deployment}: ${count} new pods`, POLL_TIMEOUT_MS, async () => {
      const pods = await this.pods(deployment, true);
      if (pods.some(({ name }) => old.includes(name))) return false;
      return pods.filter(({ isReady }) => isReady).length >= count;
    });
  }

  async #forward(service: string, port: number): Promise<string> {
    const forward = await PortForward.to(NAMESPACE, service, port);
    this.#forwards.push(forward);
    return forward.url;
  }

  /** As somebody would do by hand; the Job `model` finds it there. */
  async #bringModel(): Promise<void> {
    const { model, modelLoad } = this.#options;
    if (modelLoad === null) return copyModel(model, MODELS);
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-models-'));
    try {
      copyModel(model, folder);
      await run('sh', ['-c', `${modelLoad} "$0" "$1"`, folder, MODELS]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async #describe(): Promise<string> {
    const pods = await this.kubectl('get', 'pods', '--output=wide').catch(String);
    const events = await this.kubectl('get', 'events', '--sort-by=.lastTimestamp').catch(String);
    return `not all is ready:\n${pods}\n${events.split('\n').slice(-15).join('\n')}`;
  }
}

function copyModel(model: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, basename(model));
  copyFileSync(model, file);
  // The Job writes its link beside it.
  if (process.getuid?.() === 0) for (const path of [folder, file]) chownSync(path, USER_ID, USER_ID);
}
