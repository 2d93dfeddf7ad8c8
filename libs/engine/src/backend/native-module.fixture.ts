/** A worker thread that loads the native backend, computes through this package's tfjs-core, and tells what came out. */
import { workerData, parentPort } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { loadNativeModule, type NativeModule } from './native-module.js';

/** What the thread is told: other threads may compute in the meantime. */
export interface NativeTask {
  readonly rounds: number;
}

export interface NativeOutcome {
  readonly module: NativeModule;
  readonly backend: string;
  readonly product: number[];
  readonly probabilities: number[];
  /** Of each round: the sum of what a chain of ops made. */
  readonly sums: number[];
  /** Tensors of tfjs and of TensorFlow, before and after. */
  readonly tensors: readonly [tfjs: number, tensorflow: number][];
}

function countTensors(): [number, number] {
  const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
  return [tf.engine().state.numTensors, binding.getNumOfTensors()];
}

const { rounds } = workerData as NativeTask;
const module = loadNativeModule('node');
await tf.setBackend('tensorflow');
await tf.ready();
const before = countTensors();
const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const b = tf.tensor2d([5, 6, 7, 8], [2, 2]);
const product = tf.tidy(() => [...tf.gather(tf.matMul(a, b), [1, 0]).dataSync()]);
const probabilities = tf.tidy(() => [...tf.softmax(tf.add(a, 1)).dataSync()]);
const sums: number[] = [];
for (let round = 0; round < rounds; round++) {
  sums.push(tf.tidy(() => tf.sum(tf.matMul(tf.fill([64, 64], round), tf.ones([64, 64]))).dataSync()[0]!));
}
tf.dispose([a, b]);
const outcome: NativeOutcome = {
  module,
  backend: tf.getBackend(),
  product,
  probabilities,
  sums,
  tensors: [before, countTensors()],
};
parentPort!.postMessage(outcome);
