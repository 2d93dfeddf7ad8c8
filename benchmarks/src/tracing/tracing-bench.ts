import type { BenchResult } from '../result.js';
import { runScript } from '../run-script.js';
import { modelOverheadBench } from './model-overhead-bench.js';
import { overheadBench } from './overhead-bench.js';
import { slowCollectorBench } from './slow-collector-bench.js';

const benchFolder = new URL('../../../libs/tracing/bench/', import.meta.url);
const SCRIPTS = ['slice.mjs', 'export.mjs', 'propagation.mjs', 'off.mjs', 'allocation.mjs'];

/** What tracing costs: a slice, a request, a cluster, and a cluster whose collector is not well. */
export async function* tracingBench(modelPath: string): AsyncGenerator<BenchResult> {
  for (const script of SCRIPTS) yield* await runScript<BenchResult[]>(new URL(script, benchFolder));
  yield* await overheadBench();
  yield await modelOverheadBench(modelPath);
  yield* slowCollectorBench();
}
