// LocalEngine, with its scheduler, its thread and its text, against the bare matrix products, in turn in one process.
// Usage: SLICEWAY_MODEL=model.gguf node local-engine.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { LocalEngine } from '@sliceway/engine';
import { openModel } from '@sliceway/model';
import { startWasmBackend } from '../dist/backend/wasm-backend.js';
import { loadWeights } from '../dist/model/weights.js';
import { median, products, randomTokens, time } from './compare.mjs';

const CONTEXT = 128;
const STEPS = 16;
const ROUNDS = 5;

await startWasmBackend();
const file = openModel(process.env.SLICEWAY_MODEL);
const { config } = file;
const weights = loadWeights(file, () => {});
file.close();
const local = await LocalEngine.start({ modelPath: process.env.SLICEWAY_MODEL, backend: 'wasm', kvMemoryMb: 256 });

/** Runs `batch` prompts that end their prefill together. @returns the median time between two steps, ms */
async function stepTime(batch) {
  const arrivals = [];
  const prompts = Array.from({ length: batch }, () => randomTokens(CONTEXT - STEPS / 2));
  await Promise.all(
    prompts.map(async (ids, i) => {
      let seen = 0;
      for await (const { choice } of local.generate({ ids }, { maxNewTokens: STEPS + batch, ignoreEos: true })) {
        // The first tokens come while other prompts are still computed.
        if (i === 0 && choice === 0 && ++seen > batch) arrivals.push(performance.now());
      }
    }),
  );
  return median(arrivals.slice(1).map((at, i) => at - arrivals[i]));
}

/** Time to the first token of one prompt, ms. */
function firstTokenTime(tokens) {
  const ids = randomTokens(tokens);
  return time(async () => {
    for await (const event of local.generateTokens({ ids }, { maxNewTokens: 1 })) void event;
  });
}

const results = [];
async function compare(name, bound, rows, headRows, ours) {
  const bare = products(weights, config, rows, headRows);
  await ours();
  bare.run();
  const pairs = [];
  for (let i = 0; i < ROUNDS; i++) pairs.push({ ours: await ours(), bare: await time(bare.run) });
  bare.dispose();
  const value = median(pairs.map((pair) => pair.ours / pair.bare));
  const [own, base] = ['ours', 'bare'].map((key) => median(pairs.map((pair) => pair[key])).toFixed(1));
  results.push({ name, value, bound, holds: value <= bound, note: `${own} ms against ${base} ms bare` });
}

for (const batch of [1, 4, 8, 16]) {
  await compare(`LocalEngine step, B = ${batch}, context ${CONTEXT}`, 1.35, batch, batch, () => stepTime(batch));
}
for (const tokens of [128, 512]) {
  await compare(`LocalEngine prefill of ${tokens} tokens`, 1.3, tokens, 1, () => firstTokenTime(tokens));
}
await local.close();
process.stdout.write(JSON.stringify(results) + '\n');
