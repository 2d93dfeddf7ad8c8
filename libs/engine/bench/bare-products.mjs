// The matrix products of one forward of SmolLM2-135M on tfjs-backend-wasm, and nothing else: the floor for any engine on it.
// Usage: node bare-products.mjs [rows...]   prints { rows: milliseconds }.
import '@tensorflow/tfjs-backend-wasm';
import { matMul, randomUniform, ready, setBackend } from '@tensorflow/tfjs-core';

const LAYERS = 30;
const SHAPES = [
  [576, 960],
  [576, 576],
  [576, 3072],
  [1536, 576],
];
const HEAD = [576, 49152];

await setBackend('wasm');
await ready();
const weights = [...Array.from({ length: LAYERS }, () => SHAPES).flat(), HEAD].map((shape) => randomUniform(shape));

/** Time of the products with `rows` rows, the head on `headRows`: the median of `repeats`, after one that packs the weights. */
function time(rows, headRows, repeats) {
  const inputs = new Map([576, 1536].map((width) => [width, randomUniform([rows, width])]));
  const last = randomUniform([headRows, HEAD[0]]);
  const times = [];
  for (let r = 0; r <= repeats; r++) {
    const start = performance.now();
    for (const [index, weight] of weights.entries()) {
      matMul(index === weights.length - 1 ? last : inputs.get(weight.shape[0]), weight).dispose();
    }
    if (r > 0) times.push(performance.now() - start);
  }
  for (const x of [...inputs.values(), last]) x.dispose();
  return times.sort((a, b) => a - b)[times.length >> 1];
}

const rowsList = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 4, 8, 16, 128, 512];
const times = rowsList.map((rows) => [rows, time(rows, rows > 16 ? 1 : rows, rows > 16 ? 3 : 15)]);
process.stdout.write(JSON.stringify(Object.fromEntries(times)) + '\n');
