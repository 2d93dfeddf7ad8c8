// `npm run bench [-- --json FILE] [-- --only engine|cluster|service|tracing]`: ratios of figures of one run, with their bounds.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  parseCommandLine,
  provideModel,
  provideNatsServer,
  reporterTo,
  runProgram,
  startCluster,
  UsageError,
} from '@sliceway/local';
import { engineBench } from './engine-bench.js';
import { overlapBench } from './overlap-bench.js';
import { type BenchResult, formatRow, TABLE_HEAD } from './result.js';
import { serviceBench } from './service/service-bench.js';
import { throughputBench } from './throughput-bench.js';
import { tracingBench } from './tracing/tracing-bench.js';

const GROUPS = {
  engine: async function* () {
    yield* await engineBench(await provideModel());
  },
  cluster: async function* () {
    yield* clusterBench(await provideModel());
  },
  service: serviceBench,
  tracing: async function* () {
    yield* tracingBench(await provideModel());
  },
} satisfies Record<string, () => AsyncIterable<BenchResult>>;

const USAGE = `Usage: npm run bench [-- options]

Prints figures of this machine with their bounds, each when it has it; ends with 1 if one does not hold. Nothing else should run here.

  --only GROUP  ${Object.keys(GROUPS).join(', ')} (default: all; tracing alone takes 20 minutes)
  --json FILE   writes them there, too
  --help        this text
`;

process.exitCode = await runProgram(USAGE, reporterTo(process.stderr), async () => {
  const { values } = parseCommandLine(
    process.argv.slice(2),
    { only: { type: 'string' }, json: { type: 'string' } },
    false,
  );
  const { only, json, help } = values as { only?: string; json?: string; help?: boolean };
  if (help) {
    console.log(USAGE);
    return 0;
  }
  if (only !== undefined && !Object.hasOwn(GROUPS, only)) throw new UsageError(`There is no group '${only}'.`);
  const results: BenchResult[] = [];
  console.log(TABLE_HEAD);
  for (const [, group] of Object.entries(GROUPS).filter(([name]) => (only ?? name) === name)) {
    for await (const result of group()) {
      console.log(formatRow(result));
      results.push(result);
    }
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  return results.every(({ holds }) => holds) ? 0 : 1;
});

async function* clusterBench(modelPath: string): AsyncGenerator<BenchResult> {
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
    yield* await overlapBench(cluster, name);
    yield await throughputBench(cluster, modelPath, name);
  } finally {
    await cluster.stop();
  }
}
