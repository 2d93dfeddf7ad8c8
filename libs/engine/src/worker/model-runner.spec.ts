import { readFileSync } from 'node:fs';
import { attentionScratch } from '../kernels/simd-attention.js';
import type { KvFormat } from '../kv/kv-format.js';
import { KvMemory } from '../kv/kv-memory.js';
import type { LlamaConfig } from '../model/llama-config.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import { ModelRunner } from './model-runner.js';

interface Reference {
  readonly prompts: readonly { readonly name: string; readonly promptIds: readonly number[] }[];
  readonly promptLogits: {
    readonly name: string;
    readonly vocabIds: readonly number[];
    readonly positions: readonly {
      readonly max: number;
      readonly logSumExp: number;
      readonly logits: readonly number[];
    }[];
  };
}

const file = new URL('../../test/reference/reference.json', import.meta.url);
const { prompts, promptLogits } = JSON.parse(readFileSync(file, 'utf8')) as Reference;

it('gives the logits of llama.cpp on f32 weights within 0.01, at every position of a prompt', async () => {
  const config = { layers: 30, heads: 9, kvHeads: 3, headDim: 64 } as LlamaConfig;
  const limits = { batchTokens: 64, sequences: 1, contextLength: 64, pageTokens: 16 };
  const format: KvFormat = {
    engine: '',
    dtype: 'f32',
    pageTokens: 16,
    layers: [0, 30],
    kvHeads: [0, 3],
    headDim: 64,
    layout: '',
    fingerprint: '',
  };
  const kv = new KvMemory(format, 4, attentionScratch(config, limits).bytes);
  const modelPath = process.env['SLICEWAY_MODEL']!;
  const runner = await ModelRunner.load({ modelPath, memory: kv.memory, geometry: kv.geometry, limits }, () => {});

  const ids = prompts.find(({ name }) => name === promptLogits.name)!.promptIds;
  expect(promptLogits.positions).toHaveLength(ids.length);
  const sampling = { temperature: 0, topP: 1, topK: 0, seed: 0, choice: 0, index: 0 };
  const batch: ForwardBatch = {
    bid: 0,
    tokenIds: Int32Array.from(ids),
    runs: [{ firstRow: 0, tokens: ids.length, position: 0, pages: Int32Array.of(2, 0, 3) }],
    outputs: ids.map((_, row) => ({ row, sampling })),
    reportLayers: false,
  };
  let largest = 0;
  runner.withLogits(batch, (logits, position) => {
    const expected = promptLogits.positions[position]!;
    promptLogits.vocabIds.forEach(
      (id, i) => (largest = Math.max(largest, Math.abs(logits[id]! - expected.logits[i]!))),
    );
    const max = logits.reduce((a, b) => Math.max(a, b));
    const logSumExp = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
    largest = Math.max(largest, Math.abs(max - expected.max), Math.abs(logSumExp - expected.logSumExp));
  });
  expect(largest).toBeLessThan(0.01);
  expect(largest).toBeGreaterThan(0);
});
