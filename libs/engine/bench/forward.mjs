// Decode steps and prefill of the engine against its bare matrix products, in turn, in one process and on the same weights.
// Usage: SLICEWAY_MODEL=model.gguf node forward.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { matMul, randomUniform } from '@tensorflow/tfjs-core';
import { openGguf } from '@sliceway/model';
import { startWasmBackend } from '../dist/backend/wasm-backend.js';
import { attentionScratch, SimdAttention } from '../dist/kernels/simd-attention.js';
import { WasmOps } from '../dist/kernels/wasm-ops.js';
import { KvMemory } from '../dist/kv/kv-memory.js';
import { readLlamaConfig } from '../dist/model/llama-config.js';
import { Llama } from '../dist/model/llama.js';
import { loadWeights } from '../dist/model/weights.js';
import { argmax } from '../dist/sampling/sampler.js';

const CONTEXT = 128;
const PAGE = 16;
const BOUND = 1.5;
const greedy = { temperature: 0, topP: 1, topK: 0, seed: 0, choice: 0, index: 0 };

const heap = await startWasmBackend();
const file = openGguf(process.env.SLICEWAY_MODEL);
const config = readLlamaConfig(file);
const weights = loadWeights(file, config, () => {});
file.close();
const limits = { batchTokens: 512, sequences: 16, contextLength: 1024, pageTokens: PAGE };
const format = {
  dtype: 'f32',
  pageTokens: PAGE,
  layers: [0, config.layers],
  kvHeads: [0, config.kvHeads],
  headDim: config.headDim,
};
const kv = new KvMemory(format, 512, attentionScratch(config, limits).bytes);
const ops = new WasmOps(heap, config.rmsEps);
const model = new Llama(config, weights, ops, new SimdAttention(kv.memory, kv.geometry, heap, config, limits));

/** A sequence of its own pages; tokens so far. */
const sequence = (index, tokens) => ({ tokens, pages: Int32Array.from({ length: 20 }, (_, p) => 20 * index + p) });

/** Computes `counts[i]` tokens of each sequence from `positions[i]`, samples after the last. */
function forward(sequences, positions, counts) {
  const ids = [];
  const runs = sequences.map(({ tokens, pages }, i) => {
    const run = {
      firstRow: ids.length,
      tokens: counts[i],
      position: positions[i],
      pages: pages.slice(0, Math.ceil((positions[i] + counts[i]) / PAGE)),
    };
    ids.push(...tokens.slice(positions[i], positions[i] + counts[i]));
    return run;
  });
  const outputs = runs.map((run) => ({ row: run.firstRow + run.tokens - 1, sampling: greedy }));
  const logits = model.forward({ bid: 0, tokenIds: Int32Array.from(ids), runs, outputs, reportLayers: false });
  const values = ops.read(logits);
  const out = outputs.map((_, i) => argmax(values.subarray(i * config.vocabSize, (i + 1) * config.vocabSize)));
  logits.dispose();
  return out;
}

function products(rows, headRows) {
  const inputs = new Map(
    [config.hidden, config.ffn, config.heads * config.headDim].map((width) => [width, randomUniform([rows, width])]),
  );
  const last = randomUniform([headRows, config.hidden]);
  return {
    run() {
      for (const { qkv, attentionOut, gateUp, down } of weights.layers) {
        for (const weight of [qkv, attentionOut, gateUp, down]) matMul(inputs.get(weight.shape[0]), weight).dispose();
      }
      matMul(last, weights.head).dispose();
    },
    dispose: () => [...inputs.values(), last].forEach((x) => x.dispose()),
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const time = (work) => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

/** Runs both in turn; the ratio is the median of the pairs' ratios. */
function compare(work, bare, rounds) {
  work();
  bare();
  const pairs = Array.from({ length: rounds }, () => ({ bare: time(bare), ours: time(work) }));
  return {
    ratio: median(pairs.map((p) => p.ours / p.bare)),
    bare: median(pairs.map((p) => p.bare)),
    ours: median(pairs.map((p) => p.ours)),
  };
}

let state = 1;
const randomTokens = (count) =>
  Array.from({ length: count }, () => ((state = Math.imul(state, 1664525) + 1013904223) >>> 0) % 49_000);
const results = [];
const weightBytes =
  4 *
  (weights.head.size +
    weights.layers.reduce((sum, l) => sum + l.qkv.size + l.attentionOut.size + l.gateUp.size + l.down.size, 0));
const report = (name, rows, { ratio, bare, ours }, right) => {
  const speed = `${(weightBytes / bare / 1e6).toFixed(1)} GB/s of weights`;
  const note = `${ours.toFixed(1)} ms against ${bare.toFixed(1)} ms bare, ${speed}${right ? '' : '; WRONG TOKENS'}`;
  results.push({ name, value: ratio, bound: BOUND, holds: right && ratio <= BOUND, note, rows, bareMs: bare });
};

const prompts = Array.from({ length: 8 }, () => randomTokens(CONTEXT));
const alone = prompts.map((prompt, i) => forward([sequence(i, prompt)], [0], [CONTEXT])[0]);
for (const batch of [1, 4, 8]) {
  const sequences = prompts.slice(0, batch).map((prompt, i) => sequence(i, prompt));
  const positions = sequences.map(() => CONTEXT - 1);
  const counts = sequences.map(() => 1);
  let right = true;
  const step = () => {
    right &&= forward(sequences, positions, counts).every((token, i) => token === alone[i]);
  };
  const bare = products(batch, batch);
  report(`decode step, B = ${batch}, context ${CONTEXT}`, batch, compare(step, bare.run, 15), right);
  bare.dispose();
}
{
  let right = true;
  const prefill = () => {
    right &&= forward([sequence(0, prompts[0])], [0], [CONTEXT])[0] === alone[0];
  };
  const bare = products(CONTEXT, 1);
  report(`prefill of ${CONTEXT} tokens`, CONTEXT, compare(prefill, bare.run, 3), right);
  bare.dispose();
}
process.stdout.write(JSON.stringify(results) + '\n');
