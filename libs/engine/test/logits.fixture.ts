import { GREEDY } from '@sliceway/engine';
import { openModel } from '@sliceway/model';
import type { BackendName } from '#engine/backend/backend.js';
import { selectBackend } from '#engine/backend/select-backend.js';
import type { AttentionKind } from '#engine/kernels/attention.js';
import { attentionScratch } from '#engine/kernels/simd-attention.js';
import { kvFormatOf } from '#engine/kv/kv-format.js';
import { KvMemory } from '#engine/kv/kv-memory.js';
import { ModelRunner } from '#engine/worker/model-runner.js';

export interface LogitsOptions {
  readonly backend?: BackendName;
  readonly attention?: AttentionKind;
}

const PAGE_TOKENS = 16;

/** The model's logits [vocab] after each of `positions` of the prompt (all, when left out), by one forward on this thread. */
export async function logitsOf(
  modelPath: string,
  promptIds: readonly number[],
  positions: readonly number[] = [...promptIds.keys()],
  { backend = 'wasm', attention = 'simd' }: LogitsOptions = {},
): Promise<Float32Array[]> {
  const file = openModel(modelPath);
  file.close();
  const pages = Math.ceil(promptIds.length / PAGE_TOKENS);
  const limits = {
    batchTokens: promptIds.length,
    sequences: 1,
    contextLength: promptIds.length,
    pageTokens: PAGE_TOKENS,
  };
  const { memory, geometry } = new KvMemory(
    kvFormatOf(file.config, PAGE_TOKENS, ''),
    pages,
    attentionScratch(file.config, limits).bytes,
  );
  const options = { modelPath, memory, geometry, limits, attention };
  const runner = ModelRunner.load(await selectBackend(backend), options, () => {});
  const sampling = { ...GREEDY, choice: 0, index: 0, banned: [], penalties: null };
  const rows: Float32Array[] = [];
  runner.withLogits(
    {
      bid: 0,
      tokenIds: Int32Array.from(promptIds),
      runs: [
        {
          sequence: 0,
          firstRow: 0,
          tokens: promptIds.length,
          position: 0,
          pages: Int32Array.from({ length: pages }, (_, i) => pages - 1 - i),
        },
      ],
      outputs: positions.map((row) => ({ row, sampling })),
      reportLayers: false,
    },
    (logits) => rows.push(logits.slice()),
  );
  return rows;
}

/** The largest difference of two lists of rows; NaN counts as the largest. */
export function largestDifference(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let largest = 0;
  for (let row = 0; row < Math.max(a.length, b.length); row++) {
    const [x, y] = [a[row]!, b[row]!];
    for (let i = 0; i < Math.max(x.length, y.length); i++) {
      const difference = Math.abs(x[i]! - y[i]!);
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
    }
  }
  return largest;
}
