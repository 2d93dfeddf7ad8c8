import type { Manifest, Workload } from './manifests.fixture.js';

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: object;
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number | string; readonly protocol?: string }[];
}

interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** Whoever is not of the namespace, and has no label that a policy names. */
export const OUTSIDE = null;
type Pod = Pick<Workload, 'labels'> | typeof OUTSIDE;

/** What network policies let through, as Kubernetes reads them: a pod that a policy selects has what some policy allows. */
export class NetworkPolicies {
  readonly #policies: readonly Policy[];

  constructor(manifests: readonly Manifest[]) {
    this.#policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  }

  allow(from: Pod, to: Pod, port: number): boolean {
    return this.#allows('Egress', from, to, port) && this.#allows('Ingress', to, from, port);
  }

  #allows(type: 'Ingress' | 'Egress', own: Pod, other: Pod, port: number): boolean {
    if (own === OUTSIDE) return true;
    const policies = this.#policies.filter(
      ({ podSelector, policyTypes }) => policyTypes.includes(type) && matches(podSelector, own.labels),
    );
    if (policies.length === 0) return true;
    const rules = policies.flatMap(({ ingress, egress }) => (type === 'Ingress' ? ingress : egress) ?? []);
    return rules.some((rule) => {
      const peers = type === 'Ingress' ? rule.from : rule.to;
      const isPort = rule.ports === undefined || rule.ports.some((each) => each.port === port);
      return isPort && (peers === undefined || peers.some((peer) => isPeer(peer, other)));
    });
  }
}

/** Peers of other namespaces, and addresses, are none of our pods. */
function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, pod: Pod): boolean {
  if (pod === OUTSIDE || namespaceSelector !== undefined || ipBlock !== undefined) return false;
  return podSelector !== undefined && matches(podSelector, pod.labels);
}

function matches(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`the operator ${operator} is not known here`);
      return values.includes(labels[key] ?? '');
    })
  );
}
