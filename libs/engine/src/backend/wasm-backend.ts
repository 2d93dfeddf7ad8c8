import { backend, engine, ready, setBackend, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import { setThreadsCount, type BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { WasmOps } from '../kernels/wasm-ops.js';
import { EngineError } from '../errors.js';
import type { Backend } from './backend.js';

/** The wasm backend's memory, for kernels that work on tensors where they lie. */
export interface WasmHeap {
  readonly memory: WebAssembly.Memory;
  /** Byte offset of a tensor's data. */
  address(tensor: TensorInfo): number;
  /** A tensor of uninitialised floats. */
  allocate(shape: number[]): Tensor;
  /** A view of a tensor's floats, valid until the next allocation. */
  view(tensor: TensorInfo): Float32Array;
}

/**
 * WebAssembly's addresses have 32 bits; some of them are tfjs's own data and stack. XNNPACK packs each matrix into a copy of its
 * own at its first product.
 */
const CAPACITY_BYTES = 2 ** 32 - 2 ** 24;

/** Starts tfjs on its wasm backend, one thread. */
export async function startWasmBackend(): Promise<Backend> {
  setThreadsCount(1);
  await setBackend('wasm');
  await ready();
  const heap = heapOf(backend() as BackendWasm);
  return {
    info: { name: 'wasm', gpu: false, capacityBytes: CAPACITY_BYTES, weightCopies: 2, notice: null },
    createOps: (rmsEps) => new WasmOps(heap, rmsEps),
  };
}

function heapOf(wasm: BackendWasm): WasmHeap {
  const module = wasm.wasm as unknown as { asm: Record<string, unknown> };
  const memory = Object.values(module.asm).find((value) => value instanceof WebAssembly.Memory);
  if (!memory)
    throw new Error('tfjs-backend-wasm exports no memory: its version is not the one this engine was built for');
  return {
    memory,
    address: (tensor) => wasm.getMemoryOffset(tensor.dataId),
    allocate: (shape) => {
      const tensor = engine().makeTensorFromTensorInfo(wasm.makeOutput(shape, 'float32'));
      // tfjs does not look at what malloc says.
      if (wasm.getMemoryOffset(tensor.dataId) === 0) throw new EngineError('out_of_memory', 'the wasm heap is full');
      return tensor;
    },
    view: (tensor) => wasm.typedArrayFromHeap(tensor) as Float32Array,
  };
}
