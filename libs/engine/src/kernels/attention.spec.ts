import { memory } from '@tensorflow/tfjs-core';
import { startWasmBackend } from '../backend/wasm-backend.js';
import type { Attention, AttentionOptions } from './attention.js';
import { attend, attentionByDefinition, attentionOptions, randomRows, SHAPES, type Run } from './attention.fixture.js';
import type { TensorIo } from './ops.js';
import { SimdAttention } from './simd-attention.js';
import { TensorAttention } from './tensor-attention.js';
import { TensorOps } from './tensor-ops.js';

type Make = (options: AttentionOptions, io: TensorIo) => Attention;
const simd: Make = (options, io) => new SimdAttention(options, io);
const tensor: Make = (options, io) => new TensorAttention(options, io);

/** Chunks, single tokens, sequences that come and go. */
const MIXED: Run[][] = [
  [
    { sequence: 0, position: 0, tokens: 20 },
    { sequence: 1, position: 0, tokens: 33 },
  ],
  [
    { sequence: 2, position: 0, tokens: 16 },
    { sequence: 0, position: 20, tokens: 13 },
  ],
  [
    { sequence: 0, position: 33, tokens: 16 },
    { sequence: 2, position: 16, tokens: 1 },
  ],
  [{ sequence: 0, position: 49, tokens: 1 }],
];

function expectNear(actual: Float32Array[][], expected: ArrayLike<number>[][]): void {
  let largest = 0;
  expected.forEach((rows, s) => {
    expect(actual[s]).toHaveLength(rows.length);
    rows.forEach((row, t) => {
      // NaN stays NaN, which is not below the bound.
      for (let i = 0; i < row.length; i++) largest = Math.max(largest, Math.abs(actual[s]![t]![i]! - row[i]!));
    });
  });
  expect(largest).toBeLessThan(2e-5);
}

describe.each(SHAPES)('attention, %s, %j, pages of %i', (_, shape, pageTokens) => {
  const sequences = randomRows(shape);
  let io: TensorIo;

  beforeAll(async () => {
    await startWasmBackend();
    io = new TensorOps(1e-5);
  });

  const alone = (make: Make): Float32Array[][] =>
    sequences.map((rows, s) => {
      const whole = { sequence: s, position: 0, tokens: rows.length };
      return attend(make(attentionOptions(shape, pageTokens), io), io, sequences, [[whole]], { pageTokens })[s]!;
    });

  it.each([
    ['simd', simd],
    ['tensor', tensor],
  ])('%s agrees with the definition', (_name, make) => {
    const options = attentionOptions(shape, pageTokens);
    expectNear(
      alone(make),
      sequences.map((rows) => attentionByDefinition(rows, options)),
    );
  });

  it('simd gives the same bits in chunks, token by token, and beside other sequences', () => {
    expect(attend(simd(attentionOptions(shape, pageTokens), io), io, sequences, MIXED, { pageTokens })).toEqual(
      alone(simd),
    );
  });

  it('tensor gives the same in chunks, and takes over from simd and back in any step', () => {
    const expected = alone(simd);
    for (const split of [0, 1, 2, 3, 4]) {
      for (const [first, second] of [[simd, tensor] as const, [tensor, simd] as const]) {
        const options = attentionOptions(shape, pageTokens);
        const before = attend(first(options, io), io, sequences, MIXED.slice(0, split), { pageTokens });
        const after = attend(second(options, io), io, sequences, MIXED.slice(split), { pageTokens });
        expectNear(
          before.map((rows, s) => [...rows, ...after[s]!]),
          expected,
        );
      }
    }
  });

  it('tensor holds nothing of sequences that are gone', () => {
    const attention = tensor(attentionOptions(shape, pageTokens), io);
    const last = MIXED[3]!;
    attend(attention, io, sequences, MIXED, { pageTokens });
    const { numTensors } = memory();
    for (let i = 0; i < 3; i++) attend(attention, io, sequences, [...MIXED.slice(0, 3), last], { pageTokens });
    expect(memory().numTensors).toBe(numTensors);
  });
});

it.each([
  ['simd', simd],
  ['tensor', tensor],
])('%s refuses a batch that its scratch does not hold', (_, make) => {
  const attention = make(attentionOptions(SHAPES[0]![1]), new TensorOps(1e-5));
  const run = { sequence: 0, firstRow: 0, tokens: 65, position: 0, pages: Int32Array.of(0, 1, 2, 3, 4) };
  const batch = { bid: 0, tokenIds: new Int32Array(65), runs: [run], outputs: [], reportLayers: false };
  expect(() => attention.begin(batch)).toThrow(/1 sequences and 65 tokens does not fit/);
});

it('simd finds pages at the end of 4 GiB', async () => {
  await startWasmBackend();
  const io = new TensorOps(1e-5);
  const shape = { heads: 8, kvHeads: 8, headDim: 128 };
  const sequences = randomRows(shape);
  // 128 KiB a page and layer, of two layers.
  const pages = 16_250;
  const far = attentionOptions(shape, 16, pages);
  expect(far.memory.buffer.byteLength).toBeGreaterThan(2 ** 32 - 2 ** 26);
  const [near, atEnd] = [attentionOptions(shape), far].map((options, i) =>
    attend(new SimdAttention(options, io), io, sequences, MIXED, { pageTokens: 16, firstPage: i * (pages - 16) }),
  );
  expect(atEnd).toEqual(near);
});
