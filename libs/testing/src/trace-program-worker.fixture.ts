/** A worker thread that takes a request up as one rank of several, and does with it what a random program says. */
import { parentPort, workerData } from 'node:worker_threads';
import { recordCarrier, registerThread, resumeRequest, type TraceSpan } from '@sliceway/tracing';
import { recorded } from '@sliceway/tracing/testing';
import { RID, TraceProgram } from './trace-program.fixture.js';

export interface WorkerTask {
  readonly headers: Record<string, string>;
  readonly seed: number;
  readonly steps: number;
}

export interface WorkerAnswer {
  readonly spans: TraceSpan[];
  readonly begun: string[];
}

const thread = registerThread({ label: 'worker', tpRank: workerData as number });

parentPort!.on('message', ({ headers, seed, steps }: WorkerTask) => {
  const trace = resumeRequest(recordCarrier(headers), { rid: RID, role: 'gateway', thread });
  const program = new TraceProgram(trace, { seed, mayAbort: true });
  program.run(steps);
  program.finish();
  parentPort!.postMessage({ spans: recorded(), begun: [...program.begun] } satisfies WorkerAnswer);
});
