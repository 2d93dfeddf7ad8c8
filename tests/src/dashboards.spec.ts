import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModel } from '@sliceway/testing';
import { ClusterFixture } from './cluster.fixture.js';
import { expressionsOf, readDashboard } from './dashboard-file.fixture.js';
import { PROMETHEUS_FOLDER, PrometheusFixture, type Sample } from './prometheus.fixture.js';
import { prometheusBinary, promtoolBinary } from './tools.fixture.js';
import { until } from './until.fixture.js';

const tools = { prometheus: prometheusBinary(), promtool: promtoolBinary() };
const describeWithTools = tools.prometheus !== null && tools.promtool !== null ? describe : describe.skip;

const SLOTS = 4;
const COUNTS = { tokenizer: 1, prefill: 1, decode: 2, gateway: 1 };
/** Some scrapes, on a busy machine. */
const SCRAPED_MS = 20_000;

describeWithTools('a real Prometheus', () => {
  let folder: string;
  let fixture: ClusterFixture;
  let prometheus: PrometheusFixture;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sliceway-prometheus-'));
    fixture = await ClusterFixture.start({
      modelPath: tinyModel(folder),
      kvMemoryMb: 2,
      counts: COUNTS,
      // Without a place for spans nothing is traced, and there are no exemplars.
      env: { SLICEWAY_MAX_CONCURRENT_REQUESTS: String(SLOTS), SLICEWAY_TRACE_DIRECTORY: join(folder, 'traces') },
    });
    prometheus = await PrometheusFixture.start({
      binary: tools.prometheus!,
      folder,
      targets: fixture.cluster.processes,
    });
    // A rate needs what there was before.
    await until(
      'all are scraped',
      SCRAPED_MS,
      async () => (await prometheus.query('sliceway_ready == 1')).length === 5,
    );
    await putLoadOn();
  });

  afterAll(async () => {
    await prometheus?.stop();
    await fixture?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Requests that are served, refused, left by their client, and too long. */
  async function putLoadOn(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      const crowd = Array.from({ length: 2 * SLOTS }, (_, i) =>
        fixture.chat({ content: `story ${round} ${i}`, max_tokens: 100, n: i === 0 ? 2 : 1 }),
      );
      const statuses = (await Promise.all(crowd)).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
    }
    const leaving = new AbortController();
    const left = fixture.chat(
      { content: 'leave', max_tokens: 400 },
      { signal: leaving.signal, onEvent: (count) => count > 2 && leaving.abort() },
    );
    await expect(left).rejects.toThrow(/abort/);
    const tooLong = await fixture.chat({ content: 'x'.repeat(2000), max_tokens: 4 });
    expect(tooLong).toMatchObject({ status: 400, errorCode: 'context_length_exceeded' });
  }

  const promtool = (...args: string[]): string =>
    execFileSync(tools.promtool!, args, { cwd: PROMETHEUS_FOLDER, encoding: 'utf8', timeout: 60_000 });

  it('takes the rules, and each alert fires when it should', async () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
    expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
    await until('all rules are evaluated', SCRAPED_MS, async () =>
      (await prometheus.rules()).every(({ health }) => health !== 'unknown'),
    );
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  it("finds every replica with its role, and its process's id", async () => {
    const roles = async (expr: string): Promise<string[]> =>
      (await prometheus.query(expr)).map(({ metric }) => metric['role']!).sort();
    const expected = Object.entries(COUNTS).flatMap(([role, count]) => Array<string>(count).fill(role));
    expect(await roles('up{job="sliceway"} == 1')).toEqual(expected.sort());
    expect(await roles('sliceway_ready == 1')).toEqual(expected);
    const ids = (await prometheus.query('sliceway_ready')).map(({ metric }) => metric['instance']);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}$/);
  });

  it('has an answer to every expression of the dashboard', async () => {
    const expressions = expressionsOf(readDashboard());
    expect(expressions.length).toBeGreaterThan(40);
    const isNumber = ({ value: [, value] }: Sample): boolean => Number.isFinite(Number(value));
    let empty: string[] = [];
    await until('every expression has an answer', SCRAPED_MS, async () => {
      const answers = await Promise.all(expressions.map(({ expr }) => prometheus.query(expr)));
      empty = expressions.filter((_, i) => !answers[i]!.some(isNumber)).map(({ panel, expr }) => `${panel}: ${expr}`);
      return empty.length === 0;
    }).catch(() => {});
    expect(empty).toEqual([]);
  });

  it('has what every alert looks at', async () => {
    const selectors = (await prometheus.rules()).flatMap(({ name, query }) =>
      [...query.matchAll(/\b(?:(?:sliceway|nodejs)_\w+(?:\{[^}]*\})?|up\{[^}]*\})/g)].map(([selector]) => ({
        name,
        selector,
      })),
    );
    expect(new Set(selectors.map(({ name }) => name)).size).toBe((await prometheus.rules()).length);
    const answers = await Promise.all(selectors.map(({ selector }) => prometheus.query(selector)));
    expect(selectors.filter((_, i) => answers[i]!.length === 0)).toEqual([]);
  });

  it('leads from a slow bucket to a trace', async () => {
    const withExemplars = expressionsOf(readDashboard()).filter(({ exemplar }) => exemplar);
    expect(withExemplars.length).toBeGreaterThan(10);
    for (const { panel, expr } of withExemplars) {
      const labels = (await prometheus.exemplars(expr)).flatMap(({ exemplars }) =>
        exemplars.map((each) => each.labels),
      );
      expect([panel, labels.length > 0]).toEqual([panel, true]);
      for (const { trace_id: traceId } of labels) expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('sees a worker that is gone', async () => {
    const rules = await prometheus.rules();
    const firing = async (name: string): Promise<readonly Sample[]> =>
      prometheus.query(rules.find((rule) => rule.name === name)!.query);
    expect(await firing('SlicewayNoReadyWorker')).toEqual([]);
    expect(await firing('SlicewayTargetDown')).toEqual([]);
    const prefill = fixture.cluster.running('prefill')[0]!;
    prefill.kill('SIGKILL');
    await prefill.exited;
    await until('no prefill is ready', SCRAPED_MS, async () => (await firing('SlicewayNoReadyWorker')).length > 0);
    await until('a target is down', SCRAPED_MS, async () => (await firing('SlicewayTargetDown')).length > 0);
    expect((await firing('SlicewayNoReadyWorker')).map(({ metric }) => metric['worker_role'])).toEqual(['prefill']);
    expect((await firing('SlicewayTargetDown')).map(({ metric }) => metric['role'])).toEqual(['prefill']);
    expect((await fixture.chat({ content: 'nobody', max_tokens: 2 })).status).toBe(503);
  });
});
