import type { BenchResult } from '../result.js';
import { BenchCluster } from './bench-cluster.js';
import { brokerMessagesBench } from './broker-messages-bench.js';
import { decodeReplicasBench } from './decode-replicas-bench.js';
import { gatewayCpuBench } from './gateway-cpu-bench.js';
import { overloadBench } from './overload-bench.js';

/** What the services cost and stand, with a model so small that they, not it, are what is measured. */
export async function* serviceBench(): AsyncGenerator<BenchResult> {
  const bench = await BenchCluster.start();
  try {
    yield await brokerMessagesBench(bench);
    yield await gatewayCpuBench(bench);
    yield* await overloadBench(bench);
    yield await decodeReplicasBench(bench);
  } finally {
    await bench.stop();
  }
}
