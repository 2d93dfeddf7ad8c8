import { ModelFileError, type GgufFile, type GgufTensor } from '@sliceway/model';
import { dequantizerOf } from './dequantize.js';

/** Rows handled together when transposing: 16 floats are one cache line of the target. */
const TILE_ROWS = 16;

/** Finds a tensor of the wanted shape ([in, out] in GGUF's order, or [width]). */
export function findTensor(file: GgufFile, name: string, shape: readonly number[]): GgufTensor {
  const tensor = file.tensors.get(name);
  if (!tensor) throw new ModelFileError('missing_tensor', `${file.path}: tensor ${name} is missing`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    throw new ModelFileError('bad_shape', `${file.path}: tensor ${name} is [${tensor.shape}], expected [${shape}]`);
  }
  return tensor;
}

/** A one-dimensional tensor as floats. */
export function readVector(file: GgufFile, name: string, width: number): Float32Array {
  const tensor = findTensor(file, name, [width]);
  const out = new Float32Array(width);
  dequantizerOf(tensor.type, name)(file.readTensor(tensor), 0, out, 0, width);
  return out;
}

export interface TransposedPart {
  readonly name: string;
  readonly columns: number;
  /** Where row r of the file goes among this part's columns; the identity when left out. */
  readonly place?: (row: number) => number;
}

/**
 * Reads matrices that share their input, side by side, as one row-major [inputs, sum of columns] matrix.
 * A file's row holds one output; tfjs multiplies [in, out] ten times faster, so rows become columns here.
 */
export function readTransposed(file: GgufFile, inputs: number, parts: readonly TransposedPart[]): Float32Array {
  const width = parts.reduce((sum, part) => sum + part.columns, 0);
  const out = new Float32Array(inputs * width);
  const tile = new Float32Array(TILE_ROWS * inputs);
  const places = new Int32Array(TILE_ROWS);
  let firstColumn = 0;
  for (const { name, columns, place } of parts) {
    const tensor = findTensor(file, name, [inputs, columns]);
    const dequantize = dequantizerOf(tensor.type, name);
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
