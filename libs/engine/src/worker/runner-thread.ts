// Entry of the engine thread: starts the backend, loads the model when told to, then runs one batch a message.
import { parentPort, workerData } from 'node:worker_threads';
import type { Backend } from '../backend/backend.js';
import { NativeBackendError } from '../backend/native-backend-error.js';
import { selectBackend } from '../backend/select-backend.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import { ModelRunner, type RunnerOptions } from './model-runner.js';
import type { FromRunner, RunnerThreadData, ToRunner } from './runner-messages.js';

/** Layers a report: ten reports a forward keep KV flowing and cost a message each. */
const REPORTS = 10;

const port = parentPort!;
const post = (message: FromRunner): void => port.postMessage(message);
const { backend: wanted, nativeDirectory } = workerData as RunnerThreadData;
let backend: Backend;
let runner: ModelRunner;
let layers: number;

try {
  backend = await selectBackend(wanted, nativeDirectory);
  port.on('message', (message: ToRunner) => {
    if (message.type === 'load') load(message.options, message.layers);
    else run(message.batch);
  });
  post({ type: 'backend', info: backend.info });
} catch (error) {
  if (!(error instanceof NativeBackendError)) throw error;
  post({ type: 'no_backend', code: error.code, message: error.message });
}

/** What it throws ends the thread. */
function load(options: RunnerOptions, layerCount: number): void {
  layers = layerCount;
  runner = ModelRunner.load(backend, options, (fraction) => post({ type: 'loading', fraction }));
  runner.warmUp();
  post({ type: 'ready' });
}

function run(batch: ForwardBatch): void {
  const layersPerReport = Math.ceil(layers / REPORTS);
  let reported = 0;
  const report = (layer: number): void => {
    const done = layer + 1;
    if (done - reported < layersPerReport && done < layers) return;
    post({ type: 'layers', bid: batch.bid, from: reported, to: done });
    reported = done;
  };
  try {
    post({ type: 'result', result: runner.run(batch, batch.reportLayers ? report : undefined) });
  } catch (error) {
    post({
      type: 'failed',
      bid: batch.bid,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}
