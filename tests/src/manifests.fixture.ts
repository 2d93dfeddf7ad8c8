import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';
import type { Kubectl } from './kube-api.fixture.js';

const K8S = join(REPOSITORY_ROOT, 'infra', 'k8s');

interface Probe {
  readonly httpGet?: { readonly path: string };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
  readonly terminationGracePeriodSeconds?: number;
}
export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { secretKeyRef?: KeyRef };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly resources?: Record<'requests' | 'limits', Record<string, string | number>>;
  readonly securityContext?: object;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly securityContext?: object;
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string; readonly optional?: boolean; readonly items?: readonly KeyRef[] };
  }[];
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly data?: Record<string, string>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has its own
  readonly spec?: any;
}

/** A Deployment, StatefulSet or Job by what its pods are. */
export interface Workload {
  readonly name: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: PodSpec;
}

/** The overlay of one's own that the README shows. */
export function exampleOverlay(): string {
  return /^```yaml\n(.*?)^```$/ms.exec(readFileSync(join(K8S, 'README.md'), 'utf8'))![1]!;
}

/** What kustomize makes of an overlay, as text. */
export function render(kubectl: Kubectl, overlay: string): string {
  return kubectl.output(['kustomize', join(K8S, 'overlays', overlay)]);
}

/** As `render`, of an overlay that is no file yet: in a folder beside the checkout. */
export function renderText(kubectl: Kubectl, folder: string, overlay: string): string {
  const mine = join(folder, 'mine');
  mkdirSync(mine, { recursive: true });
  const checkout = join(folder, 'sliceway');
  if (!existsSync(checkout)) symlinkSync(REPOSITORY_ROOT, checkout);
  writeFileSync(join(mine, 'kustomization.yaml'), overlay);
  return kubectl.output(['kustomize', mine]);
}

/** Reads manifests; kubectl is what understands YAML here, and asks no server for that. */
export function parse(kubectl: Kubectl, yaml: string): Manifest[] {
  const json = kubectl.output(['annotate', '--local', '--filename=-', '--output=json', 'parsed=yes'], yaml);
  return json.split(/(?<=^\})\n/m).flatMap((text) => (text.trim() === '' ? [] : [JSON.parse(text) as Manifest]));
}

export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind))
    .map(({ kind, metadata, spec }) => {
      const { metadata: meta, spec: pod } = spec.template as {
        metadata: { labels: Record<string, string> };
        spec: PodSpec;
      };
      return { name: metadata.name, kind, labels: meta.labels, pod };
    });
}

export function containersOf({ pod }: Workload): readonly Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}
