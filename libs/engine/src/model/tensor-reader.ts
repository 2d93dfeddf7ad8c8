import { ModelFileError, type ModelFile } from '@sliceway/model';
import { dequantizerOf } from './dequantize.js';
import type { TensorSpec } from './tensor-specs.js';

/** Rows handled together when transposing: 16 floats are one cache line of the target. */
const TILE_ROWS = 16;

/** A one-dimensional tensor as floats. */
export function readVector(file: ModelFile, { name, shape }: TensorSpec): Float32Array {
  const tensor = file.tensors.get(name)!;
  const out = new Float32Array(shape[0]!);
  dequantizerOf(tensor.type, name)(file.readTensor(tensor), 0, out, 0, out.length);
  return out;
}

export interface TransposedPart {
  readonly spec: TensorSpec;
  /** Where row r of the file goes among this part's columns; the identity when left out. */
  readonly place?: ((row: number) => number) | undefined;
}

/**
 * Reads matrices that share their input, side by side, as one row-major [inputs, sum of columns] matrix.
 * A file's row holds one output; tfjs multiplies [in, out] ten times faster, so rows become columns here.
 */
export function readTransposed(file: ModelFile, parts: readonly TransposedPart[]): Float32Array {
  const inputs = parts[0]!.spec.shape[0]!;
  const width = parts.reduce((sum, { spec }) => sum + spec.shape[1]!, 0);
  const out = new Float32Array(inputs * width);
  const tile = new Float32Array(TILE_ROWS * inputs);
  const places = new Int32Array(TILE_ROWS);
  let firstColumn = 0;
  for (const { spec, place } of parts) {
    const columns = spec.shape[1]!;
    const tensor = file.tensors.get(spec.name)!;
    const dequantize = dequantizerOf(tensor.type, spec.name);
    const bytes = file.readTensor(tensor);
    const rowBytes = bytes.length / columns;
    for (let row = 0; row < columns; row += TILE_ROWS) {
      const rows = Math.min(TILE_ROWS, columns - row);
      dequantize(bytes, row * rowBytes, tile, 0, rows * inputs);
      for (let r = 0; r < rows; r++) places[r] = firstColumn + (place ? place(row + r) : row + r);
      for (let i = 0, to = 0; i < inputs; i++, to += width) {
        for (let r = 0, from = i; r < rows; r++, from += inputs) out[to + places[r]!] = tile[from]!;
      }
    }
    firstColumn += columns;
  }
  return out;
}

/** @throws ModelFileError for tensors that are missing, of another shape, of a type that is not read, or not known */
export function checkTensors(file: ModelFile, specs: readonly TensorSpec[]): void {
  const refuse = (code: 'missing_tensor' | 'bad_shape' | 'unsupported_architecture', what: string): never => {
    throw new ModelFileError(code, `${file.path}: ${what}`);
  };
  const known = new Set<string>();
  for (const { name, shape, optional } of specs) {
    known.add(name);
    const tensor = file.tensors.get(name);
    if (!tensor && optional) continue;
    if (!tensor) return refuse('missing_tensor', `tensor ${name} is missing`);
    if (String(tensor.shape) !== String(shape))
      refuse('bad_shape', `tensor ${name} is [${tensor.shape}], expected [${shape}]`);
    dequantizerOf(tensor.type, `${file.path}: tensor ${name}`);
  }
  const unknown = [...file.tensors.keys()].find((name) => !known.has(name));
  if (unknown !== undefined)
    refuse('unsupported_architecture', `tensor ${unknown} is none that a ${file.config.architecture} has here`);
}
