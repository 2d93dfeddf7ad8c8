import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, GREEDY, type EngineWorker, type SequenceRequest } from '@sliceway/engine';
import { tinyModel } from '@sliceway/testing';
import { memory } from '@tensorflow/tfjs-core';
import { startWasmBackend } from '#engine/backend/wasm-backend.js';
import { attentionScratch, SimdAttention } from '#engine/kernels/simd-attention.js';
import { TensorAttention } from '#engine/kernels/tensor-attention.js';
import { kvFormatOf } from '#engine/kv/kv-format.js';
import { KvMemory } from '#engine/kv/kv-memory.js';
import { Llama } from '#engine/model/llama.js';
import { loadRope, loadWeights } from '#engine/model/weights.js';
import { openModel } from '@sliceway/model';

const folder = mkdtempSync(join(tmpdir(), 'sliceway-failures-'));
const modelPath = tinyModel(folder);
afterAll(() => rmSync(folder, { recursive: true }));

it.each([SimdAttention, TensorAttention])('a forward that throws leaves no tensor: %p', async (Attention) => {
  const backend = await startWasmBackend();
  const file = openModel(modelPath);
  const { config } = file;
  const ops = backend.createOps(config.rmsEps);
  const limits = { batchTokens: 32, sequences: 2, contextLength: 64, pageTokens: 16 };
  const { memory: pages, geometry } = new KvMemory(
    kvFormatOf(config, 16, ''),
    8,
    attentionScratch(config, limits).bytes,
  );
  const attention = new Attention({ memory: pages, geometry, shape: config, rope: loadRope(file), limits }, ops);
  const model = new Llama(
    loadWeights(file, () => {}),
    ops,
    attention,
  );
  file.close();
  const batch = (sequence: number) => ({
    bid: 0,
    tokenIds: Int32Array.of(1, 2, 3),
    runs: [{ sequence, firstRow: 0, tokens: 3, position: 0, pages: Int32Array.of(1) }],
    outputs: [],
    reportLayers: true,
  });
  const fail = (): never => {
    throw new Error('in the middle');
  };
  model.forward(batch(0));
  const { numTensors } = memory();
  for (let sequence = 1; sequence < 4; sequence++) {
    expect(() => model.forward(batch(sequence), fail)).toThrow('in the middle');
    model.forward(batch(100 + sequence));
  }
  expect(memory().numTensors).toBe(numTensors);
});

describe('reservations', () => {
  let engine: EngineWorker;
  beforeAll(async () => {
    engine = await startEngine({ modelPath, backend: 'wasm', kvMemoryMb: 0.125 });
  });
  afterAll(() => engine.close());
  const request = (id: string): SequenceRequest => ({
    id,
    kind: 'decode',
    promptIds: new Array<number>(200).fill(1),
    firstChoice: 0,
    choices: 1,
    sampling: GREEDY,
  });

  it('a second one of the same id is refused and leaves the first as it was', async () => {
    await engine.reserve(request('a'));
    const waiting = engine.reserve(request('b'));
    await expect(engine.reserve(request('b'))).rejects.toMatchObject({ code: 'bad_message' });
    engine.abort('b');
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    engine.abort('a');
    expect(engine.load).toMatchObject({ kvPagesUsed: 0, waiting: 0 });
  });

  it('one that waits is told when the engine closes', async () => {
    await engine.reserve(request('c'));
    const waiting = engine.reserve(request('d'));
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'aborted' }), engine.close()]);
  });
});
