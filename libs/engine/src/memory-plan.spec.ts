import type { ModelFile } from '@sliceway/model';
import type { BackendInfo } from './backend/backend.js';
import { checkMemory, planMemory } from './memory-plan.js';

const GIB = 2 ** 30;
const config = { hidden: 64, heads: 4, kvHeads: 2, headDim: 16, ffn: 128, vocabSize: 1000 };
const limits = { batchTokens: 128, sequences: 32, contextLength: 512, pageTokens: 16 };

/** A tied model with one more matrix of `floats`. */
function model(floats: number): ModelFile {
  const tensors = [
    { name: 'token_embd.weight', shape: [64, 1000], type: 'Q8_0', byteLength: 68_000 },
    { name: 'blk.0.ffn_up.weight', shape: [64, floats / 64], type: 'Q8_0', byteLength: floats },
  ];
  return { path: 'm.gguf', config, tensors: new Map(tensors.map((t) => [t.name, t])) } as unknown as ModelFile;
}

const wasm: BackendInfo = { name: 'wasm', gpu: false, capacityBytes: 4 * GIB, weightCopies: 2, notice: null };
const node: BackendInfo = { name: 'node', gpu: false, capacityBytes: 8 * GIB, weightCopies: 1, notice: null };

describe('the memory plan', () => {
  it('counts f32 weights as often as the backend holds them, the embedding as head, and KV beside wasm', () => {
    const onWasm = planMemory(model(6400), wasm, 'simd', limits, 1 * GIB);
    expect(onWasm).toMatchObject({ weights: 2 * 4 * (64_000 + 6400), kv: 0 });
    expect(planMemory(model(6400), node, 'simd', limits, 1 * GIB)).toMatchObject({
      weights: 4 * (64_000 + 6400) + 68_000,
      kv: GIB,
    });
    expect(onWasm.scratch).toBeGreaterThan(4 * 32 * 1000);
    const tensor = planMemory(model(6400), wasm, 'tensor', limits, 1 * GIB);
    expect(tensor).toMatchObject({ kv: GIB, scratch: onWasm.scratch + 16 * 4 * 128 * 512 });
  });

  it('accepts what just fits and refuses one byte more', () => {
    const plan = planMemory(model(6400), node, 'simd', limits, GIB);
    const needed = plan.weights + plan.scratch + plan.kv;
    expect(() => checkMemory(model(6400), { ...node, capacityBytes: needed }, plan)).not.toThrow();
    expect(() => checkMemory(model(6400), { ...node, capacityBytes: needed - 1 }, plan)).toThrow(/needs 1\.01 GiB/);
  });

  it('says what is needed, what there is and what to do', () => {
    const check = (backend: BackendInfo, floats: number, kv: number) => () =>
      checkMemory(model(floats), backend, planMemory(model(floats), backend, 'simd', limits, kv));
    expect(check(wasm, GIB, GIB)).toThrow(
      /m\.gguf needs 8\.0\d GiB \(weights 8\.01 GiB, scratch 0\.01 GiB\), backend wasm holds 4\.00 GiB: use SLICEWAY_BACKEND=node \(`npm run native`\), or a smaller model/,
    );
    expect(check(node, GIB, 6 * GIB)).toThrow(/KV pages 6\.00 GiB.*use a smaller SLICEWAY_KV_MEMORY_MB/);
    expect(check(node, 3 * GIB, GIB)).toThrow(/use a machine with more memory/);
    expect(check({ ...node, name: 'gpu', gpu: true }, 3 * GIB, GIB)).toThrow(/use SLICEWAY_BACKEND=node/);
    expect(check(wasm, GIB, GIB)).toThrow(expect.objectContaining({ code: 'out_of_memory' }));
  });
});
