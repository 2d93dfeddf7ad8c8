import { engine } from '@tensorflow/tfjs-core';
import { openGguf } from '@sliceway/model';
import { startWasmBackend } from '../backend/wasm-backend.js';
import type { Ops } from '../kernels/ops.js';
import { SimdAttention, type BatchLimits } from '../kernels/simd-attention.js';
import { WasmOps } from '../kernels/wasm-ops.js';
import type { KvGeometry } from '../kv/kv-memory.js';
import { readLlamaConfig } from '../model/llama-config.js';
import { Llama } from '../model/llama.js';
import { loadWeights } from '../model/weights.js';
import { Sampler } from '../sampling/sampler.js';
import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';

/** All that a thread needs to run a model; structured-cloneable. */
export interface RunnerOptions {
  readonly modelPath: string;
  readonly memory: WebAssembly.Memory;
  readonly geometry: KvGeometry;
  readonly limits: BatchLimits;
}

/** Runs batches on this thread: forward, then sampling. Logits never leave it. */
export class ModelRunner {
  readonly #sampler: Sampler;

  private constructor(
    private readonly model: Llama,
    private readonly ops: Ops,
  ) {
    this.#sampler = new Sampler(model.config.vocabSize);
  }

  /** Loads the model; onProgress gets the fraction done. */
  static async load(options: RunnerOptions, onProgress: (fraction: number) => void): Promise<ModelRunner> {
    const heap = await startWasmBackend();
    const file = openGguf(options.modelPath);
    try {
      const config = readLlamaConfig(file);
      const ops = new WasmOps(heap, config.rmsEps);
      const attention = new SimdAttention(options.memory, options.geometry, heap, config, options.limits);
      return new ModelRunner(new Llama(config, loadWeights(file, config, onProgress), ops, attention), ops);
    } finally {
      file.close();
    }
  }

  /** One forward on page 0, so that the first request does not wait while the backend packs the weights (1.5 s here). */
  warmUp(): void {
    const run = { firstRow: 0, tokens: 1, position: 0, pages: Int32Array.of(0) };
    const sampling = { temperature: 0, topP: 1, topK: 0, seed: 0, choice: 0, index: 0 };
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
    const tokenIds = new Int32Array(batch.outputs.length);
    this.withLogits(
      batch,
      (logits, output) => {
        tokenIds[output] = this.#sampler.sample(logits, batch.outputs[output]!.sampling);
      },
      onLayer,
    );
    return { bid: batch.bid, tokenIds, startNs, endNs: nowNs(), tensors: engine().state.numTensors };
  }

  /** Runs the forward and hands each output's logits [vocab] to `use`; a view that lasts during the call. */
  withLogits(
    batch: ForwardBatch,
    use: (logits: Float32Array, output: number) => void,
    onLayer?: (layer: number) => void,
  ): void {
    const logits = this.model.forward(batch, onLayer);
    if (!logits) return;
    const values = this.ops.read(logits);
    const width = this.model.config.vocabSize;
    for (let i = 0; i < batch.outputs.length; i++) use(values.subarray(i * width, (i + 1) * width), i);
    logits.dispose();
  }
}

/** Monotonic nanoseconds; one clock for all threads of the host. */
function nowNs(): number {
  return Number(process.hrtime.bigint());
}
