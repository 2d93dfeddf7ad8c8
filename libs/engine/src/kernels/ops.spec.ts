import { memory, tensor1d, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { startWasmBackend } from '../backend/wasm-backend.js';
import { HostOps } from './host-ops.js';
import type { Ops } from './ops.js';
import { TensorOps } from './tensor-ops.js';

const EPS = 1e-5;
const ROWS = 5;
const WIDTH = 36;
const wasmOps = (await startWasmBackend()).createOps(EPS);

let state = 3;
const random = (count: number, scale: number): Float32Array =>
  Float32Array.from(
    { length: count },
    () => (((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 2 - 1) * scale,
  );
const rowsOf = (values: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, r) =>
    Array.from({ length: width }, (_, i) => values[r * width + i]!),
  );
const normOf = (row: number[], weight: ArrayLike<number>): number[] => {
  const scale = 1 / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / row.length + EPS);
  return row.map((x, i) => x * scale * weight[i]!);
};

describe.each<[string, Ops]>([
  ['WasmOps', wasmOps],
  ['TensorOps', new TensorOps(EPS)],
  ['HostOps', new HostOps(EPS)],
])('%s', (_, ops) => {
  const x = random(ROWS * WIDTH, 3);
  const delta = random(ROWS * WIDTH, 2);
  const weight = random(WIDTH, 1);
  const tensorOf = (values: Float32Array, width = WIDTH): Tensor => ops.create(values, [values.length / width, width]);

  function expectNear(actual: Tensor, expected: number[][]): void {
    expect(actual.shape).toEqual([expected.length, expected[0]!.length]);
    const largest = expected
      .flat()
      .reduce(
        (most, value, i, all) => Math.max(most, Math.abs(ops.read(actual)[i]! - value) / (1 + Math.abs(all[i]!))),
        0,
      );
    expect(largest).toBeLessThan(1e-6);
  }

  it('takes the root mean square out of each row', () => {
    expectNear(
      ops.rmsNorm(tensorOf(x), tensor1d(weight)),
      rowsOf(x, WIDTH).map((row) => normOf(row, weight)),
    );
  });

  it('adds, norms, and takes over what it added', () => {
    const { numTensors } = memory();
    const { sum, normed } = ops.addRmsNorm(tensorOf(x), tensorOf(delta), tensor1d(weight) as Tensor1D);
    // The weight, the sum and the norm.
    expect(memory().numTensors).toBe(numTensors + 3);
    const sums = rowsOf(
      x.map((value, i) => value + delta[i]!),
      WIDTH,
    );
    expectNear(sum, sums);
    expectNear(
      normed,
      sums.map((row) => normOf(row, weight)),
    );
  });

  it('adds a bias to each row', () => {
    expectNear(
      ops.addBias(tensorOf(x), tensor1d(weight)),
      rowsOf(x, WIDTH).map((row) => row.map((value, i) => value + weight[i]!)),
    );
  });

  it('multiplies silu(gate) with up, whatever the size of the gate', () => {
    const gates = random(2 * WIDTH, 1).map((value, i) => value * [1, 40, 200][i % 3]!);
    expectNear(
      ops.siluMul(tensorOf(gates, 2 * WIDTH)),
      rowsOf(gates, 2 * WIDTH).map((row) =>
        row.slice(0, WIDTH).map((gate, i) => (gate / (1 + Math.exp(-gate))) * row[WIDTH + i]!),
      ),
    );
  });

  it('picks rows, again and out of order', () => {
    const rows = rowsOf(x, WIDTH);
    expectNear(ops.rows(tensorOf(x), Int32Array.of(4, 0, 4)), [rows[4]!, rows[0]!, rows[4]!]);
  });

  it('makes a tensor of a copy', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const made = ops.create(values, [1, 4]);
    values.fill(9);
    expect(Array.from(ops.read(made))).toEqual([1, 2, 3, 4]);
  });
});
