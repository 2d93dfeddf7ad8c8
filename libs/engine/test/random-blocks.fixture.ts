import { tensorByteLength, tensorTypeOfName, type GgufTensorSource } from '@sliceway/model';

/** Where a block has f16 numbers, and powers of two for them that keep its values below a half or so. */
const SCALES: Readonly<Record<string, readonly (readonly [offset: number, exponent: number])[]>> = {
  Q8_0: [[0, -10]],
  Q4_0: [[0, -6]],
  Q4_1: [
    [0, -7],
    [2, -4],
  ],
  Q5_0: [[0, -7]],
  Q5_1: [
    [0, -8],
    [2, -4],
  ],
  Q4_K: [
    [0, -13],
    [2, -9],
  ],
  Q5_K: [
    [0, -14],
    [2, -9],
  ],
  Q6_K: [[208, -14]],
};

/** A matrix of random values, of random blocks where the type has blocks. @param random uniform in [0, 1) */
export function randomTensor(
  name: string,
  type: string,
  shape: readonly number[],
  random: () => number,
): GgufTensorSource {
  const scales = SCALES[type];
  if (!scales) return { name, type, shape, data: randomFloats(type, shape, random) };
  const tensorType = tensorTypeOfName(type)!;
  const data = new Uint8Array(tensorByteLength(tensorType, shape));
  for (let i = 0; i < data.length; i++) data[i] = random() * 256;
  for (let block = 0; block < data.length; block += tensorType.blockBytes) {
    // Fraction and sign stay random.
    for (const [offset, exponent] of scales) {
      const upper = block + offset + 1;
      data[upper] = (data[upper]! & 0x83) | ((exponent + 15) << 2);
    }
  }
  return { name, type, shape, data };
}

function randomFloats(type: string, shape: readonly number[], random: () => number): Float32Array | Uint8Array {
  const length = shape.reduce((product, size) => product * size, 1);
  const floats = Float32Array.from({ length }, () => (random() - 0.5) / 4);
  if (type !== 'BF16') return floats;
  const upper = Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16);
  return new Uint8Array(upper.buffer);
}
