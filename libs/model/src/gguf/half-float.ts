const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** IEEE 754 binary16 bits of each value, rounded to nearest, ties to even. */
export function floatsToHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = floatToHalf(values[i]!);
  return halves;
}

function floatToHalf(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  // 127 - 15: the exponent as binary16 has it; below 1 the value is subnormal and its leading 1 becomes explicit.
  const halfExponent = exponent - 112;
  if (halfExponent >= 0x1f) return sign | 0x7c00;
  if (halfExponent < -10) return sign;
  const shift = halfExponent > 0 ? 13 : 14 - halfExponent;
  const significand = halfExponent > 0 ? (halfExponent << 23) | fraction : 0x800000 | fraction;
  const rest = significand & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  const truncated = significand >>> shift;
  // A carry out of the fraction runs into the exponent, as it must.
  return sign | (truncated + (rest > tie || (rest === tie && (truncated & 1) === 1) ? 1 : 0));
}
