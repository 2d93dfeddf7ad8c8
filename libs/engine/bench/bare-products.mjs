// The matrix products of one forward of SmolLM2-135M on tfjs-backend-wasm, and nothing else: the floor for any engine on it.
// Usage: node bare-products.mjs [rows...]   prints { rows: { inOut, outIn } } in milliseconds.
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

/** Time of the products with `rows` rows, the head on `headRows`: the least of `repeats`. */
function time(weights, transposed, rows, headRows, repeats) {
  const inputs = new Map([576, 1536].map((width) => [width, randomUniform([rows, width])]));
  const last = randomUniform([headRows, HEAD[0]]);
  let best = Infinity;
  for (let r = 0; r <= repeats; r++) {
    const start = performance.now();
    for (const [index, weight] of weights.entries()) {
      const x = index === weights.length - 1 ? last : inputs.get(weight.shape[transposed ? 1 : 0]);
      matMul(x, weight, false, transposed).dispose();
    }
    if (r > 0) best = Math.min(best, performance.now() - start);
  }
  for (const x of [...inputs.values(), last]) x.dispose();
  return best;
}

function layout(transposed, rowsList) {
  const shapes = [...Array.from({ length: LAYERS }, () => SHAPES).flat(), HEAD];
  const weights = shapes.map(([i, o]) => randomUniform(transposed ? [o, i] : [i, o]));
  const times = rowsList.map((rows) => time(weights, transposed, rows, rows > 16 ? 1 : rows, rows > 16 ? 1 : 5));
  for (const weight of weights) weight.dispose();
  return times;
}

const rowsList = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 4, 8, 16, 128];
const inOut = layout(false, rowsList);
const outIn = layout(true, rowsList);
process.stdout.write(
  JSON.stringify(Object.fromEntries(rowsList.map((rows, i) => [rows, { inOut: inOut[i], outIn: outIn[i] }]))) + '\n',
);
