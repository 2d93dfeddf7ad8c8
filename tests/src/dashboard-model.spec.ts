import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';
import { expressionsOf, faultsOf, readDashboard } from './dashboard-file.fixture.js';
import type { GrafanaDashboard } from './grafana-dashboard.fixture.js';

/** What the dashboard is for. */
const SHOWN = [
  'sliceway_time_to_first_token_seconds_bucket',
  'sliceway_inter_token_latency_seconds_bucket',
  'sliceway_time_per_output_token_seconds_bucket',
  'sliceway_request_duration_seconds_bucket',
  'sliceway_detokenized_tokens_total',
  'sliceway_gateway_queued_requests',
  'sliceway_batch_size_bucket',
  'sliceway_kv_pages_used',
  'sliceway_kv_transfer_megabytes_per_second_bucket',
  'sliceway_kv_transfer_overlap_ratio_bucket',
  'sliceway_requests_total{end!="finished"}',
  'sliceway_refused_requests_total',
  'sliceway_trace_spans_total{state!="exported"}',
];

type Mutable = { -readonly [K in keyof GrafanaDashboard]: GrafanaDashboard[K] };

describe("the dashboard, by Grafana's published model", () => {
  const dashboard = readDashboard();
  const changed = (change: (copy: Mutable & Record<string, unknown>) => void): object => {
    const copy = structuredClone(dashboard) as Mutable & Record<string, unknown>;
    change(copy);
    return copy;
  };
  const panel = (copy: Mutable): { options: { legend: Record<string, unknown> }; targets: Record<string, unknown>[] } =>
    copy.panels.find(({ type }) => type === 'timeseries') as never;

  it('has no fault', () => {
    expect(faultsOf(dashboard)).toEqual([]);
  });

  it.each([
    ['a field that there is not', changed((copy) => (copy['refreshes'] = '5s')), /refreshes.* does not exist/],
    [
      'a field that is missing',
      changed((copy) => delete (copy as { schemaVersion?: number }).schemaVersion),
      /'schemaVersion' is missing/,
    ],
    ['a wrong value', changed((copy) => (copy.graphTooltip = 7 as never)), /'7' is not assignable/],
    [
      "a wrong value of a panel's option",
      changed((copy) => (panel(copy).options.legend['displayMode'] = 'grid')),
      /"grid"/,
    ],
    ['a query without an expression', changed((copy) => delete panel(copy).targets[0]!['expr']), /expr/],
  ])('would have one for %s', (_, wrong, fault) => {
    expect(faultsOf(wrong).join('\n')).toMatch(fault);
  });

  it('shows what it is for', () => {
    const all = expressionsOf(dashboard)
      .map(({ expr }) => expr)
      .join('\n');
    for (const metric of SHOWN) expect(all).toContain(metric);
  });

  it('has a place of its own for each panel, on a grid of 24', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      const { x, y, w, h } = gridPos!;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect([title, taken.has(`${column},${line}`)]).toEqual([title, false]);
          taken.add(`${column},${line}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it('leads to traces by a data source, wherever Jaeger is', () => {
    expect(JSON.stringify(dashboard)).not.toMatch(/https?:/);
    const [link, ...others] = dashboard.links!;
    const { pathname, searchParams } = new URL(link!.url!, 'http://grafana');
    const panes = JSON.parse(searchParams.get('panes')!) as Record<string, { datasource: string; queries: unknown }>;
    const query = { datasource: { type: 'jaeger', uid: 'jaeger' }, service: 'sliceway-gateway' };
    expect([others, pathname, Object.values(panes)]).toEqual([
      [],
      '/explore',
      [expect.objectContaining({ datasource: 'jaeger', queries: [expect.objectContaining(query)] })],
    ]);
  });

  it('asks the data sources that are provisioned, and exemplars lead to one of them', () => {
    const file = join(REPOSITORY_ROOT, 'infra', 'grafana', 'provisioning', 'datasources', 'sliceway.yml');
    const text = readFileSync(file, 'utf8');
    const uids = [...text.matchAll(/^ {4}uid: (\w+)$/gm)].map(([, uid]) => uid);
    expect(uids).toEqual(['prometheus', 'jaeger']);
    const asked = [...JSON.stringify(dashboard).matchAll(/"uid":"(\w+)"/g)].map(([, uid]) => uid!);
    for (const uid of asked) expect(['sliceway', ...uids]).toContain(uid);
    const [, label, target] = /exemplarTraceIdDestinations:\n\s+- name: (\w+)\n\s+datasourceUid: (\w+)/.exec(text)!;
    expect([label, uids.includes(target!)]).toEqual(['trace_id', true]);
  });
});
