// Entry of the engine thread: loads the model, then runs one batch a message.
import { parentPort, workerData } from 'node:worker_threads';
import { ModelRunner, type RunnerOptions } from './model-runner.js';
import type { FromRunner, ToRunner } from './runner-messages.js';

/** Layers a report: ten reports a forward keep KV flowing and cost a message each. */
const REPORTS = 10;

const port = parentPort!;
const options = workerData as RunnerOptions & { readonly layers: number };
const layersPerReport = Math.ceil(options.layers / REPORTS);
const post = (message: FromRunner): void => port.postMessage(message);

const runner = await ModelRunner.load(options, (fraction) => post({ type: 'loading', fraction }));
runner.warmUp();
port.on('message', run);
post({ type: 'ready' });

function run({ batch }: ToRunner): void {
  let reported = 0;
  const report = (layer: number): void => {
    const done = layer + 1;
    if (done - reported < layersPerReport && done < options.layers) return;
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
