import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';
import { MESSAGES, ROLES } from '@sliceway/protocol';
import { Kubectl } from './kube-api.fixture.js';
import {
  containersOf,
  exampleOverlay,
  parse,
  render,
  renderText,
  workloadsOf,
  type Manifest,
  type Workload,
} from './manifests.fixture.js';
import { NetworkPolicies, OUTSIDE } from './network-policies.fixture.js';

const INFRA = join(REPOSITORY_ROOT, 'infra');
const OPTIONAL = ['nats-cluster', 'nats-tls', 'api-keys', 'autoscaling', 'service-monitor'];
const VARIANTS: readonly (readonly [string, readonly string[]])[] = [
  ['cpu', []],
  ['gpu', []],
  ['e2e', []],
  // The README's overlay of one's own.
  ['cpu', OPTIONAL],
  ['gpu', OPTIONAL],
];
const START_TIMEOUT_MS = 200_000;
/** libs/service/src/drain/shutdown.ts */
const CLOSE_SECONDS = 5;
/** A large model from a slow volume. */
const LOAD_SECONDS = 1800;
/** Longest stay of a pod whose event loop no longer turns: SIGTERM says nothing to it. */
const HUNG_SECONDS = 10;
/** Nobody waits for them: they have no probes. */
const HELPERS = ['client', 'model'];
/** CoreDNS, NodeLocal DNSCache, GKE's Cloud DNS. */
const DNS = ['169.254.169.254/32', '169.254.20.10/32', 'kube-system']
  .flatMap((server) => ['TCP', 'UDP'].map((protocol) => `53/${protocol} ${server}`))
  .sort();

const describeWithKubectl = Kubectl.isThere ? describe : describe.skip;
const itWithServer = Kubectl.hasServer ? it : it.skip;

const read = (...path: string[]): string => readFileSync(join(REPOSITORY_ROOT, ...path), 'utf8');

describeWithKubectl('infra/k8s', () => {
  let folder: string;
  let kubectl: Kubectl;
  const rendered = new Map<string, { yaml: string; manifests: Manifest[]; workloads: Workload[] }>();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sliceway-k8s-'));
    kubectl = Kubectl.start(join(folder, 'kube'));
    for (const [overlay, components] of VARIANTS) {
      const yaml = components.length === 0 ? render(kubectl, overlay) : renderExample(overlay);
      const manifests = parse(kubectl, yaml);
      rendered.set([overlay, ...components].join(), { yaml, manifests, workloads: workloadsOf(manifests) });
    }
  }, START_TIMEOUT_MS);
  afterAll(() => {
    kubectl?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, START_TIMEOUT_MS);

  const renderExample = (overlay: string, change = (text: string): string => text): string =>
    renderText(kubectl, folder, change(exampleOverlay().replace('overlays/cpu', `overlays/${overlay}`)));
  const variant = (overlay: string, components: readonly string[]) => rendered.get([overlay, ...components].join())!;
  const services = (workloads: readonly Workload[]): Workload[] =>
    ROLES.map((role) => workloads.find(({ name }) => name === role)!);

  it('has every overlay and every optional component in these tests', () => {
    expect(readdirSync(join(INFRA, 'k8s', 'overlays')).sort()).toEqual(['cpu', 'e2e', 'gpu']);
    const always = ['jaeger', 'local-images', 'restricted', 'versions'];
    expect(readdirSync(join(INFRA, 'k8s', 'components')).sort()).toEqual([...OPTIONAL, ...always].sort());
    const shown = Array.from(exampleOverlay().matchAll(/k8s\/components\/(\S+)/g), ([, name]) => name!);
    expect(shown.sort()).toEqual([...OPTIONAL].sort());
  });

  it.each([
    ['with its namespace', /^$/, '', 'sliceway'],
    ['without one', /^namespace: .*\n/, '', 'sliceway'],
    ['in another', 'namespace: sliceway', 'namespace: other', 'other'],
  ])('the overlay of the README %s: all of it is in one, with images of the registry', (_, from, to, expected) => {
    const manifests = parse(
      kubectl,
      renderExample('cpu', (text) => text.replace(from, to)),
    );
    const namespaces = manifests.map(({ kind, metadata }) =>
      kind === 'Namespace' ? metadata.name : metadata.namespace,
    );
    expect(new Set(namespaces)).toEqual(new Set([expected]));
    const images = workloadsOf(manifests).flatMap((workload) => containersOf(workload).map(({ image }) => image));
    const ours = images.filter((image) => image.includes('sliceway-'));
    expect(ours).toHaveLength(8);
    for (const image of ours) expect(image).toMatch(/^registry\.example\.org\/sliceway-/);
  });

  it.each(VARIANTS)('%s %j: every container is restricted, and says what it needs', (overlay, components) => {
    const { workloads, manifests } = variant(overlay, components);
    expect(workloads.length).toBeGreaterThanOrEqual(8);
    for (const workload of workloads) {
      expect([workload.name, workload.pod]).toEqual([
        workload.name,
        expect.objectContaining({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: expect.objectContaining({
            runAsNonRoot: true,
            runAsUser: 1000,
            seccompProfile: { type: 'RuntimeDefault' },
          }),
        }),
      ]);
      for (const { name, securityContext, resources } of containersOf(workload)) {
        const needs = { cpu: expect.anything(), memory: expect.anything() };
        expect([name, securityContext, resources]).toEqual([
          name,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          { requests: needs, limits: expect.objectContaining({ memory: expect.anything() }) },
        ]);
      }
      expect(JSON.stringify(workload.pod)).not.toMatch(/"(hostPath|hostNetwork|hostPID|hostIPC|privileged|hostPort)"/);
    }
    const [namespace] = manifests.filter(({ kind }) => kind === 'Namespace') as [Manifest];
    expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const { kind, metadata } of manifests) {
      if (kind !== 'Namespace' && kind !== 'PersistentVolume') {
        expect([metadata.name, metadata.namespace]).toEqual([metadata.name, namespace.metadata.name]);
      }
    }
  });

  it.each(VARIANTS)('%s %j: who runs is asked how it is, and services drain', (overlay, components) => {
    const { workloads, manifests } = variant(overlay, components);
    for (const { name, pod } of workloads.filter((each) => !HELPERS.includes(each.name))) {
      const { startupProbe, livenessProbe, readinessProbe } = pod.containers[0]!;
      const paths = [startupProbe, livenessProbe, readinessProbe].map((probe) => [name, probe?.httpGet?.path]);
      const isService = (ROLES as readonly string[]).includes(name);
      const wanted = isService
        ? ['/health/live', '/health/live', '/health/ready']
        : Array.from({ length: 3 }, () => expect.stringMatching(/^\//));
      expect(paths).toEqual(wanted.map((path) => [name, path]));
    }
    const settings = manifests.find(({ metadata }) => metadata.name.startsWith('settings-'))!.data!;
    const drainSeconds = Number(settings['SLICEWAY_DRAIN_TIMEOUT_MS']) / 1000;
    for (const { name, pod } of services(workloads)) {
      const preStopSeconds = pod.containers[0]!.lifecycle?.preStop?.sleep?.seconds ?? 0;
      expect(preStopSeconds > 0).toBe(name === 'gateway');
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(preStopSeconds + drainSeconds + CLOSE_SECONDS);
      const { startupProbe, livenessProbe } = pod.containers[0]!;
      for (const probe of [startupProbe, livenessProbe]) {
        expect(probe!.terminationGracePeriodSeconds).toBeLessThanOrEqual(HUNG_SECONDS);
      }
      const startSeconds = startupProbe!.periodSeconds * startupProbe!.failureThreshold;
      expect(startSeconds).toBeGreaterThanOrEqual(LOAD_SECONDS);
      const { spec } = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)!;
      expect(spec.progressDeadlineSeconds).toBeGreaterThan(startSeconds);
      expect([name, spec.strategy.rollingUpdate]).toEqual([name, { maxUnavailable: 0, maxSurge: 1 }]);
    }
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
    expect(budgets).toEqual(expect.arrayContaining([...ROLES]));
  });

  it.each(VARIANTS)('%s %j: secrets are referred to, and each service sees its own', (overlay, components) => {
    const { workloads, manifests } = variant(overlay, components);
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const workload of workloads) {
      for (const { name, value, valueFrom } of containersOf(workload).flatMap(({ env = [] }) => env)) {
        if (/(PASSWORD|TOKEN|KEYS?)$/.test(name)) expect([name, value]).toEqual([name, undefined]);
        // nats-server takes an empty password, and so a missing one, for none at all.
        if (valueFrom?.secretKeyRef !== undefined)
          expect([name, valueFrom.secretKeyRef.optional]).toEqual([name, undefined]);
      }
    }
    for (const { name, pod } of services(workloads)) {
      const secrets = (pod.volumes ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
      expect(secrets.map(({ optional }) => optional)).toEqual(secrets.map(() => undefined));
      const [passwords, ...others] = secrets.filter(({ secretName }) => secretName === 'nats-passwords');
      expect([name, passwords?.items?.map(({ key }) => key), others]).toEqual([name, [name], []]);
    }
  });

  it.each(VARIANTS)('%s %j: pods reach what libs/protocol says, and nothing else', (overlay, components) => {
    const { workloads, manifests } = variant(overlay, components);
    const policies = new NetworkPolicies(manifests);
    // Heartbeats and the trace level name every role, whatever it does.
    const routes = Object.values(MESSAGES).filter(({ receivers }) => receivers.length < ROLES.length);
    const talks = ROLES.filter((role) =>
      routes.some(({ senders, receivers }) => [...senders, ...receivers].some((each) => each === role)),
    );
    const wanted = [...talks.map((role) => `${role} nats:4222`), ...ROLES.map((role) => `${role} collector:4317`)];
    wanted.push('collector jaeger:4317');
    if (components.includes('nats-cluster')) wanted.push('nats nats:6222');
    if (overlay === 'e2e') wanted.push('client gateway:8000');
    const reach = (from: Workload | typeof OUTSIDE): string[] =>
      workloads.flatMap((to) =>
        to.pod.containers
          .flatMap(({ ports = [] }) => ports)
          .filter(({ containerPort }) => policies.allow(from, to, containerPort))
          .map(({ containerPort }) => `${from?.name ?? 'outside'} ${to.name}:${containerPort}`),
      );
    expect(workloads.flatMap(reach).sort()).toEqual(wanted.sort());
    expect(reach(OUTSIDE)).toEqual(['outside gateway:8000']);
  });

  it.each(VARIANTS)('%s %j: the outside is DNS for all, the hub for the model, and who asks', (overlay, components) => {
    const { workloads, manifests } = variant(overlay, components);
    const policies = new NetworkPolicies(manifests);
    for (const workload of workloads) {
      const isModel = workload.name === 'model';
      const reached = isModel ? [...DNS, '443/TCP anywhere'].sort() : DNS;
      expect([workload.name, policies.beyond('Egress', workload)]).toEqual([workload.name, reached]);
    }
    const asked = workloads.flatMap((to) => policies.beyond('Ingress', to).map((from) => `${to.name}:${from}`));
    const wanted = ['gateway:8000/TCP anywhere'];
    if (components.includes('service-monitor')) {
      wanted.push(...ROLES.map((role) => `${role}:8000/TCP monitoring`), 'jaeger:16686/TCP monitoring');
    }
    expect(asked.sort()).toEqual(wanted.sort());
  });

  it('gives NATS and the collector the files of infra, as they are', () => {
    const { manifests } = variant('cpu', []);
    const data = (name: string) => manifests.find(({ metadata }) => metadata.name.startsWith(`${name}-`))!.data;
    const files = ['nats-server.conf', 'nats-server-tls.conf', 'permissions.conf'];
    expect(data('nats-config')).toEqual(Object.fromEntries(files.map((name) => [name, read('infra', 'nats', name)])));
    expect(data('collector-config')).toEqual({ 'collector.yaml': read('infra', 'otel', 'collector.yaml') });
  });

  it('lets those that read a volume of one node run together, and the first of them where it likes', () => {
    const { workloads, manifests } = variant('cpu', []);
    const readers = workloads.filter(({ pod }) => JSON.stringify(pod.volumes ?? []).includes('"claimName":"models"'));
    expect(readers.map(({ name }) => name).sort()).toEqual(['decode', 'model', 'prefill', 'tokenizer']);
    for (const { name, labels } of readers) {
      const { spec } = manifests.find(
        ({ kind, metadata }) => kind !== 'Service' && metadata.name === name && kind !== 'NetworkPolicy',
      )!;
      const [term, ...others] = spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
      expect([others, term.topologyKey]).toEqual([[], 'kubernetes.io/hostname']);
      expect(labels).toMatchObject(term.labelSelector.matchLabels as object);
    }
  });

  it('holds no drain of that node, and elsewhere lets one pod of a role go at a time', () => {
    const budgets = (overlay: string) =>
      variant(overlay, [])
        .manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')
        .map(({ metadata, spec }) => [metadata.name, spec.maxUnavailable]);
    expect(budgets('gpu').sort()).toEqual([...ROLES].sort().map((role) => [role, 1]));
    const ofCpu = [...ROLES].sort().map((role) => [role, role === 'gateway' ? 1 : '100%']);
    expect(budgets('cpu').sort()).toEqual(ofCpu);
  });

  it('lets no NATS server of several tell clients the addresses of pods, which no certificate has', () => {
    const { args } = variant('cpu', OPTIONAL).workloads.find(({ name }) => name === 'nats')!.pod.containers[0]!;
    expect(args).toEqual(expect.arrayContaining([expect.stringMatching(/^--routes=/), '--no_advertise']));
  });

  it('gives the Prometheus operator and Grafana what Compose gives theirs', () => {
    const { manifests } = variant('cpu', OPTIONAL);
    const dashboard = manifests.find(({ metadata }) => metadata.name === 'sliceway-dashboard')!;
    expect(dashboard.data).toEqual({ 'sliceway.json': read('infra', 'grafana', 'dashboards', 'sliceway.json') });
    const [, rule] = read('infra', 'prometheus', 'prometheus-rule.yaml').split(/^spec:\n/m);
    const [alerts] = /^groups:\n.*/ms.exec(read('infra', 'prometheus', 'alerts.yml'))!;
    expect(rule!.replaceAll(/^ {2}/gm, '')).toBe(alerts);
    expect(manifests.filter(({ kind }) => kind === 'PrometheusRule')).toHaveLength(1);
  });

  it('sets no variable that nobody reads', () => {
    const { manifests } = variant('cpu', OPTIONAL);
    const schemas = [
      ...['service', 'nats', 'engine'].map((name) => read('libs', 'service', 'src', 'config', `${name}.schema.ts`)),
      read('libs', 'tracing', 'src', 'export', 'otel.config.ts'),
      read('libs', 'model', 'src', 'fetch-model.config.ts'),
    ].join('');
    const names = manifests
      .filter(({ metadata }) => /^(settings|engine-settings|model-source)-/.test(metadata.name))
      .flatMap(({ data }) => Object.keys(data!));
    expect(names.length).toBeGreaterThan(8);
    // The tracing library puts these together: OTEL_EXPORTER_OTLP_ and what follows.
    const isRead = (name: string): boolean => schemas.includes(name.replace(/^OTEL_EXPORTER_OTLP_/, ''));
    expect(names.filter((name) => !isRead(name))).toEqual([]);
  });

  it('scales by metrics that the adapter makes of series that there are', () => {
    const { manifests } = variant('cpu', OPTIONAL);
    const metrics = manifests
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .flatMap(({ spec }) => spec.metrics as { pods?: { metric: { name: string } } }[])
      .flatMap(({ pods }) => (pods === undefined ? [] : [pods.metric.name]));
    const rules = read('infra', 'k8s', 'components', 'autoscaling', 'prometheus-adapter.yaml');
    const made = Array.from(rules.matchAll(/name: \{ as: (\w+) \}/g), ([, name]) => name!);
    expect([...new Set(metrics)].sort()).toEqual([...made].sort());
    const series = Array.from(rules.matchAll(/(sliceway_\w+)\{/g), ([, name]) => name!);
    expect(series.length).toBeGreaterThan(4);
    const code = read('libs', 'service', 'src', 'metrics', 'metrics.ts');
    expect(series.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });

  itWithServer.each(VARIANTS)(
    '%s %j: an API server takes it, and has nothing to say against it',
    (overlay, components) => {
      const { yaml, manifests } = variant(overlay, components);
      const [namespace] = manifests.filter(({ kind }) => kind === 'Namespace') as [Manifest];
      kubectl.output(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', ...namespace }));
      // What the Prometheus operator brings is not known to a bare server.
      const known = yaml.split(/^---\n/m).filter((text) => !/^kind: (ServiceMonitor|PrometheusRule)$/m.test(text));
      const { status, stdout, stderr } = kubectl.run(
        ['apply', '--dry-run=server', '--filename=-'],
        known.join('---\n'),
      );
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.trim().split('\n')).toHaveLength(known.length);

      // The same server warns of a pod that is less restricted.
      const loose = known.filter((text) => /^kind: Deployment$/m.test(text))[0]!.replace('runAsNonRoot: true', '');
      const warned = kubectl.run(['apply', '--dry-run=server', '--filename=-'], loose);
      expect(warned.stderr).toContain('would violate PodSecurity "restricted');
    },
  );
});
