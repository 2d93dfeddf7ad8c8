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

interface Port {
  readonly port: number | string;
  readonly endPort?: number;
  readonly protocol?: string;
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly Port[];
}

interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

type Direction = 'Ingress' | 'Egress';

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

  /** What of the outside a pod may reach, or be reached by: `<port>/<protocol> <namespace, addresses or anywhere>`. */
  beyond(type: Direction, own: Pick<Workload, 'labels'>): string[] {
    const found = this.#rules(type, own).flatMap(({ peers, ports }) => {
      const outside = peers?.filter((peer) => !isOfNamespace(peer)).map(nameOf) ?? ['anywhere'];
      return outside.flatMap((peer) => (ports?.map(portName) ?? ['any']).map((port) => `${port} ${peer}`));
    });
    return [...new Set(found)].sort();
  }

  #allows(type: Direction, own: Pod, other: Pod, port: number): boolean {
    if (own === OUTSIDE) return true;
    return this.#rules(type, own).some(({ peers, ports }) => {
      const isPort = ports === null || ports.some((each) => each.port === port);
      return isPort && (peers === null || peers.some((peer) => isPeer(peer, other)));
    });
  }

  #rules(
    type: Direction,
    own: Pick<Workload, 'labels'>,
  ): { peers: readonly Peer[] | null; ports: readonly Port[] | null }[] {
    const policies = this.#selecting(type, own);
    if (policies.length === 0) return [{ peers: null, ports: null }];
    return policies
      .flatMap(({ ingress, egress }) => (type === 'Ingress' ? ingress : egress) ?? [])
      .map(({ from, to, ports }) => ({
        peers: unlessEmpty(type === 'Ingress' ? from : to),
        ports: unlessEmpty(ports),
      }));
  }

  #selecting(type: Direction, own: Pick<Workload, 'labels'>): Policy[] {
    return this.#policies.filter(
      ({ podSelector, policyTypes }) => policyTypes.includes(type) && matches(podSelector, own.labels),
    );
  }
}

/** Peers of other namespaces, and addresses, are none of our pods. */
function isOfNamespace({ namespaceSelector, ipBlock }: Peer): boolean {
  return namespaceSelector === undefined && ipBlock === undefined;
}

function isPeer(peer: Peer, pod: Pod): boolean {
  return pod !== OUTSIDE && isOfNamespace(peer) && matches(peer.podSelector!, pod.labels);
}

/** To Kubernetes an empty list is as none: all of them. */
function unlessEmpty<T>(list: readonly T[] = []): readonly T[] | null {
  return list.length === 0 ? null : list;
}

function portName({ port, endPort, protocol = 'TCP' }: Port): string {
  return `${port}${endPort === undefined ? '' : `-${endPort}`}/${protocol}`;
}

/** Of a namespace or of addresses; whoever is selected in another way is shown as the policy has it. */
function nameOf(peer: Peer): string {
  return JSON.stringify(peer)
    .replace(/^\{"namespaceSelector":\{"matchLabels":\{"kubernetes\.io\/metadata\.name":"([\w-]+)"\}\}\}$/, '$1')
    .replace(/^\{"ipBlock":\{"cidr":"([^"]+)"\}\}$/, '$1');
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
