// `npm run bench [-- --json FILE] [-- --only engine|cluster|service|tracing]`: ratios of figures of one run, with their bounds.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { provideModel, provideNatsServer, startCluster } from '@sliceway/local';
import { engineBench } from './engine-bench.js';
import { overlapBench } from './overlap-bench.js';
import { formatTable, type BenchResult } from './result.js';
import { serviceBench } from './service/service-bench.js';
import { throughputBench } from './throughput-bench.js';
import { tracingBench } from './tracing/tracing-bench.js';

const GROUPS = {
  engine: async () => engineBench(await provideModel()),
  cluster: async () => clusterBench(await provideModel()),
  service: serviceBench,
  tracing: async () => tracingBench(await provideModel()),
} satisfies Record<string, () => Promise<BenchResult[]>>;

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const wanted = Object.entries(GROUPS).filter(([name]) => (values.only ?? name) === name);
if (wanted.length === 0) throw new Error(`--only takes ${Object.keys(GROUPS).join(', ')}; not '${values.only}'`);
const results: BenchResult[] = [];
for (const [, group] of wanted) results.push(...(await group()));

console.log(formatTable(results));
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.exitCode = results.every(({ holds }) => holds) ? 0 : 1;

async function clusterBench(modelPath: string): Promise<BenchResult[]> {
  const nats = await provideNatsServer();
  const cluster = await startCluster({
    model: modelPath,
    port: 0,
    env: { SLICEWAY_BACKEND: 'wasm' },
    logDirectory: mkdtempSync(join(tmpdir(), 'sliceway-bench-')),
    ...('url' in nats ? { natsUrl: nats.url } : { natsServer: nats.binary }),
  });
  try {
    const name = basename(modelPath, '.gguf');
    return [...(await overlapBench(cluster, name)), await throughputBench(cluster, modelPath, name)];
  } finally {
    await cluster.stop();
  }
}
