// Decode steps and prefill of the engine against its bare matrix products, in turn, in one process and on the same weights.
// Usage: SLICEWAY_MODEL=model.gguf node forward.mjs [--backend wasm|node|gpu] [--attention simd|tensor]
// Prints a JSON array of { name, value, bound, holds, note }.
import { parseArgs } from 'node:util';
import { openModel } from '@sliceway/model';
import { prepareTensorflow } from '../dist/backend/native.config.js';
import { selectBackend } from '../dist/backend/select-backend.js';
import { attentionScratch, SimdAttention } from '../dist/kernels/simd-attention.js';
import { TensorAttention } from '../dist/kernels/tensor-attention.js';
import { kvFormatOf } from '../dist/kv/kv-format.js';
import { KvMemory } from '../dist/kv/kv-memory.js';
import { Llama } from '../dist/model/llama.js';
import { loadRope, loadWeights } from '../dist/model/weights.js';
import { argmax } from '../dist/sampling/argmax.js';
import { compare, products, randomTokens } from './compare.mjs';

const PAGE = 16;
const PAGES = 68;
const SEQUENCES = 16;
const { values: options } = parseArgs({
  options: { backend: { type: 'string', default: 'wasm' }, attention: { type: 'string', default: 'simd' } },
});
const greedy = { temperature: 0, topP: 1, topK: 0, seed: 0, choice: 0, index: 0 };

prepareTensorflow();
const backend = await selectBackend(options.backend).catch((error) => {
  if (error.code !== 'not_installed') throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(3);
});
const file = openModel(process.env.SLICEWAY_MODEL);
const { config } = file;
const weights = loadWeights(file, () => {});
const rope = loadRope(file);
file.close();
const limits = { batchTokens: 512, sequences: SEQUENCES, contextLength: 1088, pageTokens: PAGE };
const format = kvFormatOf(config, PAGE, '');
const { memory, geometry } = new KvMemory(format, SEQUENCES * PAGES, attentionScratch(config, limits).bytes);
const ops = backend.createOps(config.rmsEps);
const Attention = options.attention === 'simd' ? SimdAttention : TensorAttention;
const model = new Llama(weights, ops, new Attention({ memory, geometry, shape: config, rope, limits }, ops));

/** A sequence of its own pages, and its tokens. */
const sequence = (index, tokens) => ({
  index,
  tokens,
  pages: Int32Array.from({ length: PAGES }, (_, p) => PAGES * index + p),
});

/** Computes `counts[i]` tokens of each sequence from `positions[i]`, samples after the last. */
function forward(sequences, positions, counts) {
  const ids = [];
  const runs = sequences.map(({ index, tokens, pages }, i) => {
    const run = {
      sequence: index,
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

/** A decode step of sequences whose prompts are in the pages, as a function that checks its tokens. */
function decodeStep(batch, context, firstIndex = 0) {
  const sequences = Array.from({ length: batch }, (_, i) => sequence(firstIndex + i, randomTokens(context)));
  // In chunks of the largest forward, as the engine would.
  const alone = sequences.map((one) => {
    let last;
    for (let at = 0; at < context; at += 512) [last] = forward([one], [at], [Math.min(512, context - at)]);
    return last;
  });
  const positions = sequences.map(() => context - 1);
  const counts = sequences.map(() => 1);
  const step = () => {
    step.right &&= forward(sequences, positions, counts).every((token, i) => token === alone[i]);
  };
  step.right = true;
  return step;
}

const results = [];
const label = options.backend === 'wasm' ? '' : `, ${backend.info.name}`;
/** Bounds are for wasm; other backends are printed beside it, and their near ties may fall otherwise. */
function report(name, bound, { ratio, base, ours }, what, right, more = {}) {
  const note = `${ours.toFixed(1)} ms against ${base.toFixed(1)} ms ${what}${right ? '' : '; OTHER TOKENS'}`;
  const bounded = options.backend === 'wasm';
  results.push({
    name: `${name}${label}`,
    value: ratio,
    bound: bounded ? bound : null,
    holds: !bounded || (right && ratio <= bound),
    note,
    ...more,
  });
}

for (const batch of [1, 4, 8, 16]) {
  const step = decodeStep(batch, 128);
  const bare = products(weights, config, batch, batch);
  const figures = await compare(step, bare.run, 15);
  report(`decode step, B = ${batch}, context 128`, 1.35, figures, 'bare', step.right, {
    rows: batch,
    bareMs: figures.base,
  });
  bare.dispose();
}
for (const [tokens, rounds] of [
  [128, 3],
  [512, 3],
]) {
  const prompt = sequence(0, randomTokens(tokens));
  const [first] = forward([prompt], [0], [tokens]);
  let right = true;
  const prefill = () => {
    right &&= forward([prompt], [0], [tokens])[0] === first;
  };
  const bare = products(weights, config, tokens, 1);
  const figures = await compare(prefill, bare.run, rounds);
  report(`prefill of ${tokens} tokens`, 1.3, figures, 'bare', right, { rows: tokens, bareMs: figures.base });
  bare.dispose();
}
{
  const [long, short] = [decodeStep(8, 1024), decodeStep(8, 16, 8)];
  const figures = await compare(long, short, 9);
  report('decode step, B = 8, context 1,024 against 16', 1.45, figures, 'at 16', long.right && short.right);
}
process.stdout.write(JSON.stringify(results) + '\n');
