// `npm run gpu-check`: prints the device, the rate of a matrix product and one generation, on the backend `gpu`.
import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { prepareTensorflow } from '../backend/native.config.js';
import { LocalEngine } from '../local-engine.js';
import type { MatmulReport } from './matmul-thread.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const QUESTION = 'Tell me about the capital of France.';
const TOKENS = 64;

const modelPath = process.argv[2];
if (modelPath === undefined) {
  process.stderr.write('Usage: node gpu-check/main.js MODEL   (npm run gpu-check provides the model)\n');
  process.exit(2);
}
prepareTensorflow();
print(`driver      ${driver()}`);
const report = await matmul();
if ('problem' in report) {
  process.stderr.write(`${report.problem}\n`);
  process.exit(1);
}
print(`TensorFlow  ${report.tensorflow}, tfjs-node-gpu ${report.version}`);
print(`device      ${report.gpu ? 'GPU' : 'CPU: no GPU was found, everything below is computed on the CPU'}`);
print(`matmul      ${report.gflops.toFixed(0)} GFLOP/s, f32, ${report.size} x ${report.size}`);

const engine = await LocalEngine.start({
  modelPath,
  backend: 'gpu',
  onNotice: (notice) => print(`notice      ${notice}`),
});
const { model, backend } = engine.engine.info;
print(`model       ${model} on ${backend}\n\n> ${QUESTION}`);
let count = 0;
let startMs = 0;
const messages = [{ role: 'user', content: QUESTION }];
for await (const { text } of engine.generate({ messages }, { maxNewTokens: TOKENS })) {
  if (count++ === 0) startMs = performance.now();
  process.stdout.write(text);
}
const rate = ((count - 1) / (performance.now() - startMs)) * 1000;
print(`\n\ngeneration  ${count} tokens, ${rate.toFixed(1)} tokens/s after the first`);
await engine.close();

function driver(): string {
  try {
    return execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 5000 }).trim();
  } catch {
    return 'nvidia-smi does not run: no NVIDIA driver here';
  }
}

/** On a thread that ends before the engine's begins, so that its memory is free again. */
async function matmul(): Promise<MatmulReport> {
  const worker = new Worker(new URL('./matmul-thread.js', import.meta.url));
  const result = await new Promise<MatmulReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return result;
}
