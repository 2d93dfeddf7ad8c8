// Row-wise kernels that run inside the memory of tfjs-backend-wasm: tensors are read and written where they lie.
// Pointers are byte offsets; widths are multiples of four floats.
import { exp4, sum4 } from './math';

// @ts-ignore: decorator
@inline
function scaleRow(x: usize, weight: usize, out: usize, width: i32, squares: v128, eps: f32): void {
  const scale = f32x4.splat(<f32>1.0 / sqrt<f32>(sum4(squares) / <f32>width + eps));
  for (let i: usize = 0; i < (<usize>width << 2); i += 16) {
    v128.store(out + i, f32x4.mul(f32x4.mul(v128.load(x + i), scale), v128.load(weight + i)));
  }
}

/** out[r] = x[r] / rms(x[r]) * weight */
export function rmsNorm(x: usize, weight: usize, out: usize, rows: i32, width: i32, eps: f32): void {
  const stride = <usize>width << 2;
  for (let r = 0; r < rows; r++) {
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < stride; i += 16) {
      const v = v128.load(x + i);
      squares = f32x4.add(squares, f32x4.mul(v, v));
    }
    scaleRow(x, weight, out, width, squares, eps);
    x += stride;
    out += stride;
  }
}

/** x[r] += delta[r]; out[r] = x[r] / rms(x[r]) * weight */
export function addRmsNorm(x: usize, delta: usize, weight: usize, out: usize, rows: i32, width: i32, eps: f32): void {
  const stride = <usize>width << 2;
  for (let r = 0; r < rows; r++) {
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < stride; i += 16) {
      const v = f32x4.add(v128.load(x + i), v128.load(delta + i));
      v128.store(x + i, v);
      squares = f32x4.add(squares, f32x4.mul(v, v));
    }
    scaleRow(x, weight, out, width, squares, eps);
    x += stride;
    delta += stride;
    out += stride;
  }
}

/** x[r] += bias */
export function addBias(x: usize, bias: usize, rows: i32, width: i32): void {
  const stride = <usize>width << 2;
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < stride; i += 16) v128.store(x + i, f32x4.add(v128.load(x + i), v128.load(bias + i)));
    x += stride;
  }
}

/** gateUp rows hold [gate | up], each `width` floats: out[r] = silu(gate) * up */
export function siluMul(gateUp: usize, out: usize, rows: i32, width: i32): void {
  const stride = <usize>width << 2;
  const one = f32x4.splat(1.0);
  for (let r = 0; r < rows; r++) {
    const up = gateUp + stride;
    for (let i: usize = 0; i < stride; i += 16) {
      const gate = v128.load(gateUp + i);
      const silu = f32x4.div(gate, f32x4.add(one, exp4(f32x4.neg(gate))));
      v128.store(out + i, f32x4.mul(silu, v128.load(up + i)));
    }
    gateUp += stride << 1;
    out += stride;
  }
}
