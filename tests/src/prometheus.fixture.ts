import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, ManagedProcess, REPOSITORY_ROOT, type ClusterProcess } from '@sliceway/local';
import { until } from './until.fixture.js';

export const PROMETHEUS_FOLDER = join(REPOSITORY_ROOT, 'infra', 'prometheus');
const HOST = '127.0.0.1';
const READY_MS = 20_000;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

export interface AlertRule {
  readonly name: string;
  readonly query: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[];
}

export interface PrometheusOptions {
  readonly binary: string;
  readonly folder: string;
  readonly targets: readonly ClusterProcess[];
}

/** A real Prometheus with the configuration of this repository; only addresses stand in for names, and it scrapes each second. */
export class PrometheusFixture {
  private constructor(
    private readonly process: ManagedProcess,
    private readonly url: string,
  ) {}

  static async start({ binary, folder, targets }: PrometheusOptions): Promise<PrometheusFixture> {
    const config = join(folder, 'prometheus.yml');
    writeFileSync(config, configFor(targets));
    const port = await freePort();
    const child = new ManagedProcess({
      name: 'prometheus',
      command: binary,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'prometheus')}`,
        `--web.listen-address=${HOST}:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      environment: process.env,
      logFile: join(folder, 'prometheus.log'),
    });
    const url = `http://${HOST}:${port}`;
    try {
      await until('Prometheus is ready', READY_MS, async () => {
        if (!child.isRunning) throw new Error(`Prometheus ended:\n${child.tail}`);
        return (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true;
      });
    } catch (error) {
      await child.stop(1000);
      throw error;
    }
    return new PrometheusFixture(child, url);
  }

  async stop(): Promise<void> {
    await this.process.stop(10_000);
  }

  /** @throws Error with what Prometheus says against the expression */
  async query(expr: string): Promise<readonly Sample[]> {
    return (await this.#get<{ result: readonly Sample[] }>('query', { query: expr })).result;
  }

  async rules(): Promise<readonly AlertRule[]> {
    const { groups } = await this.#get<{ groups: readonly { rules: readonly AlertRule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  /** Of the last minute. */
  exemplars(expr: string): Promise<readonly ExemplarSeries[]> {
    const nowS = Date.now() / 1000;
    return this.#get('query_exemplars', { query: expr, start: String(nowS - 60), end: String(nowS + 1) });
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${body.error}`);
    return body.data;
  }
}

function configFor(targets: readonly ClusterProcess[]): string {
  const groups = targets.map(({ role, url }) => ({
    targets: [new URL(url).host],
    labels: { __meta_dns_name: role },
  }));
  const changes: readonly (readonly [RegExp, string])[] = [
    [/dns_sd_configs:\n\s+- \{ names: .* \}/, `static_configs: ${JSON.stringify(groups)}`],
    [/rule_files: \[alerts.yml\]/, `rule_files: [${JSON.stringify(join(PROMETHEUS_FOLDER, 'alerts.yml'))}]`],
    [/scrape_interval: 5s/, 'scrape_interval: 1s'],
    [/evaluation_interval: 5s/, 'evaluation_interval: 1s'],
  ];
  let text = readFileSync(join(PROMETHEUS_FOLDER, 'prometheus.yml'), 'utf8');
  for (const [from, to] of changes) {
    if (!from.test(text)) throw new Error(`infra/prometheus/prometheus.yml has no ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}
