import { engine } from '@tensorflow/tfjs-core';
import { openModel } from '@sliceway/model';
import type { Backend } from '../backend/backend.js';
import type { Attention, AttentionKind, AttentionShape, BatchLimits } from '../kernels/attention.js';
import type { Ops } from '../kernels/ops.js';
import { SimdAttention } from '../kernels/simd-attention.js';
import { TensorAttention } from '../kernels/tensor-attention.js';
import type { KvGeometry } from '../kv/kv-memory.js';
import { Llama } from '../model/llama.js';
import type { Rope } from '../model/rope.js';
import { loadRope, loadWeights } from '../model/weights.js';
import { GREEDY } from '../sampling/sampling-params.js';
import { Sampler } from '../sampling/sampler.js';
import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';

/** All that a thread with a backend needs to run a model; structured-cloneable. */
export interface RunnerOptions {
  readonly modelPath: string;
  readonly memory: WebAssembly.Memory;
  readonly geometry: KvGeometry;
  readonly limits: BatchLimits;
  readonly attention: AttentionKind;
}

/** Runs batches on this thread: forward, then sampling. Logits never leave it. */
export class ModelRunner {
  readonly #sampler: Sampler;

  private constructor(
    private readonly model: Llama,
    private readonly ops: Ops,
    private readonly vocabSize: number,
  ) {
    this.#sampler = new Sampler(vocabSize);
  }

  /** Loads a model that was checked; onProgress gets the fraction done. */
  static load(backend: Backend, options: RunnerOptions, onProgress: (fraction: number) => void): ModelRunner {
    const file = openModel(options.modelPath);
    try {
      const { config } = file;
      const ops = backend.createOps(config.rmsEps);
      const model = new Llama(loadWeights(file, onProgress), ops, attentionOf(options, ops, config, loadRope(file)));
      return new ModelRunner(model, ops, config.vocabSize);
    } finally {
      file.close();
    }
  }

  /** One forward on page 0, so that the first request does not wait while the backend packs the weights (1.5 s here). */
  warmUp(): void {
    const run = { sequence: -1, firstRow: 0, tokens: 1, position: 0, pages: Int32Array.of(0) };
    const sampling = { ...GREEDY, choice: 0, index: 0, banned: [], penalties: null };
    this.run({
      bid: -1,
      tokenIds: Int32Array.of(0),
      runs: [run],
      outputs: [{ row: 0, sampling }],
      reportLayers: false,
    });
  }

  run(batch: ForwardBatch, onLayer?: (layer: number) => void): ForwardResult {
    const startNs = nowNs();
    const sampled: ForwardResult['sampled'][number][] = [];
    this.withLogits(
      batch,
      (logits, output) => sampled.push(this.#sampler.sample(logits, batch.outputs[output]!.sampling)),
      onLayer,
    );
    return { bid: batch.bid, sampled, startNs, endNs: nowNs(), tensors: engine().state.numTensors };
  }

  /** Runs the forward and hands each output's logits [vocab] to `use`, in order; a view that lasts during the call. */
  withLogits(
    batch: ForwardBatch,
    use: (logits: Float32Array, output: number) => void,
    onLayer?: (layer: number) => void,
  ): void {
    const logits = this.model.forward(batch, onLayer);
    if (!logits) return;
    const values = this.ops.read(logits);
    const width = this.vocabSize;
    for (let i = 0; i < batch.outputs.length; i++) use(values.subarray(i * width, (i + 1) * width), i);
    logits.dispose();
  }
}

function attentionOf(options: RunnerOptions, ops: Ops, shape: AttentionShape, rope: Rope): Attention {
  const own = { memory: options.memory, geometry: options.geometry, limits: options.limits, shape, rope };
  return options.attention === 'simd' ? new SimdAttention(own, ops) : new TensorAttention(own, ops);
}

/** Monotonic nanoseconds; one clock for all threads of the host. */
function nowNs(): number {
  return Number(process.hrtime.bigint());
}
