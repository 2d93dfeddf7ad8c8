import { backend, engine, ready, setBackend, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import { setThreadsCount, type BackendWasm } from '@tensorflow/tfjs-backend-wasm';

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

/** Starts tfjs on its wasm backend, one thread. */
export async function startWasmBackend(): Promise<WasmHeap> {
  setThreadsCount(1);
  await setBackend('wasm');
  await ready();
  const wasm = backend() as BackendWasm;
  const module = wasm.wasm as unknown as { asm: Record<string, unknown> };
  const memory = Object.values(module.asm).find((value) => value instanceof WebAssembly.Memory);
  if (!memory)
    throw new Error('tfjs-backend-wasm exports no memory: its version is not the one this engine was built for');
  return {
    memory,
    address: (tensor) => wasm.getMemoryOffset(tensor.dataId),
    allocate: (shape) => engine().makeTensorFromTensorInfo(wasm.makeOutput(shape, 'float32')),
    view: (tensor) => wasm.typedArrayFromHeap(tensor) as Float32Array,
  };
}
