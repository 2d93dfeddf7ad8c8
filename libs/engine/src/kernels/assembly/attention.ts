// Attention over paged KV inside the shared memory that holds the pages.
//
// One layer's block of a page:   K [kvHead][headDim][pageTokens]   then   V [kvHead][pageTokens][headDim]
// K is dim-major, so that sixteen scores of one query come from vertical multiplies, with no horizontal sum.
//
// A row is one (query token, query head). Every row's arithmetic is the same whatever else is in the batch or in its
// tile, which makes results independent of batching and chunking, to the bit.
//
// A sequence's descriptor is four i32: first row in qkv, query tokens, position of the first, address of its page table.
// A page table holds u32 byte offsets of the pages' blocks within a layer.
import { exp4, max4, sum4 } from './math';

const DESCRIPTOR_BYTES: usize = 16;
const MASKED: f32 = -3.0e38;

/**
 * Rotates q and k (pairs d, d + headDim/2), and appends k and v to their pages.
 * qkv rows: [heads * headDim | kvHeads * headDim | kvHeads * headDim]; cosSin rows: [headDim/2 cos | headDim/2 sin].
 */
export function ropeAppend(
  qkv: usize, cosSin: usize, sequences: usize, sequenceCount: i32, layer: usize,
  heads: i32, kvHeads: i32, headDim: i32, pageTokens: i32,
): void {
  const headBytes = <usize>headDim << 2;
  const rowBytes = <usize>(heads + 2 * kvHeads) * headBytes;
  const kBlockBytes = <usize>kvHeads * headBytes * <usize>pageTokens;
  const slotStride = <usize>pageTokens << 2;
  for (let s = 0; s < sequenceCount; s++) {
    const d = sequences + <usize>s * DESCRIPTOR_BYTES;
    const firstRow = load<i32>(d);
    const tokens = load<i32>(d, 4);
    const position = load<i32>(d, 8);
    const table = <usize>load<i32>(d, 12);
    for (let t = 0; t < tokens; t++) {
      const row = qkv + <usize>(firstRow + t) * rowBytes;
      const trig = cosSin + <usize>(firstRow + t) * headBytes;
      for (let h = 0; h < heads + kvHeads; h++) rotate(row + <usize>h * headBytes, trig, headBytes >> 1);
      const at = position + t;
      const page = layer + <usize>load<u32>(table + (<usize>(at / pageTokens) << 2));
      const slot = <usize>(at % pageTokens);
      const k = row + <usize>heads * headBytes;
      const kTo = page + (slot << 2);
      for (let i = 0; i < kvHeads * headDim; i++) store<f32>(kTo + <usize>i * slotStride, load<f32>(k + (<usize>i << 2)));
      const v = k + <usize>kvHeads * headBytes;
      const vTo = page + kBlockBytes + slot * headBytes;
      for (let h = 0; h < kvHeads; h++) {
        memory.copy(vTo + <usize>h * headBytes * <usize>pageTokens, v + <usize>h * headBytes, headBytes);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function rotate(head: usize, trig: usize, half: usize): void {
  for (let i: usize = 0; i < half; i += 16) {
    const a = v128.load(head + i);
    const b = v128.load(head + half + i);
    const cos = v128.load(trig + i);
    const sin = v128.load(trig + half + i);
    v128.store(head + i, f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin)));
    v128.store(head + half + i, f32x4.add(f32x4.mul(b, cos), f32x4.mul(a, sin)));
  }
}

/**
 * out[row] = softmax(q . K / sqrt(headDim)) V for every sequence of the batch, causal.
 * scores: scratch of 3 * scoreBytes, where scoreBytes covers the longest context rounded up to a page.
 */
export function attend(
  qkv: usize, out: usize, sequences: usize, sequenceCount: i32, layer: usize,
  heads: i32, kvHeads: i32, headDim: i32, pageTokens: i32, scores: usize, scoreBytes: usize,
): void {
  const group = heads / kvHeads;
  const headBytes = <usize>headDim << 2;
  const qRowBytes = <usize>(heads + 2 * kvHeads) * headBytes;
  const outRowBytes = <usize>heads * headBytes;
  const headBlock = headBytes * <usize>pageTokens;
  const scale = <f32>1.0 / sqrt<f32>(<f32>headDim);
  for (let s = 0; s < sequenceCount; s++) {
    const d = sequences + <usize>s * DESCRIPTOR_BYTES;
    const firstRow = load<i32>(d);
    const position = load<i32>(d, 8);
    const table = <usize>load<i32>(d, 12);
    const rows = load<i32>(d, 4) * group;
    for (let h = 0; h < kvHeads; h++) {
      const k = layer + <usize>h * headBlock;
      const v = k + <usize>kvHeads * headBlock;
      for (let r = 0; r < rows; r += 3) {
        // A tile of three rows; at the end of the rows the last one is repeated.
        const r1 = min(r + 1, rows - 1);
        const r2 = min(r + 2, rows - 1);
        const q0 = qkv + <usize>(firstRow + r / group) * qRowBytes + <usize>(h * group + (r % group)) * headBytes;
        const q1 = qkv + <usize>(firstRow + r1 / group) * qRowBytes + <usize>(h * group + (r1 % group)) * headBytes;
        const q2 = qkv + <usize>(firstRow + r2 / group) * qRowBytes + <usize>(h * group + (r2 % group)) * headBytes;
        const o0 = out + <usize>(firstRow + r / group) * outRowBytes + <usize>(h * group + (r % group)) * headBytes;
        const o1 = out + <usize>(firstRow + r1 / group) * outRowBytes + <usize>(h * group + (r1 % group)) * headBytes;
        const o2 = out + <usize>(firstRow + r2 / group) * outRowBytes + <usize>(h * group + (r2 % group)) * headBytes;
        const s1 = scores + scoreBytes;
        const s2 = s1 + scoreBytes;
        const n0 = position + r / group + 1;
        const n1 = position + r1 / group + 1;
        const n2 = position + r2 / group + 1;
        score3(q0, q1, q2, k, table, (n2 + pageTokens - 1) / pageTokens, headDim, pageTokens, scores, s1, s2, scale);
        const i0 = softmax(scores, n0);
        const i1 = r1 > r ? softmax(s1, n1) : i0;
        const i2 = r2 > r1 ? softmax(s2, n2) : i1;
        const a1 = r1 > r ? s1 : scores;
        const a2 = r2 > r1 ? s2 : a1;
        mix3(o0, o1, o2, v, table, n0, n1, n2, headBytes, pageTokens, scores, a1, a2, i0, i1, i2);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function score3(
  q0: usize, q1: usize, q2: usize, k: usize, table: usize, pages: i32, headDim: i32, pageTokens: i32,
  s0: usize, s1: usize, s2: usize, scale: f32,
): void {
  const slotStride = <usize>pageTokens << 2;
  const factor = f32x4.splat(scale);
  for (let p = 0; p < pages; p++) {
    const page = k + <usize>load<u32>(table + (<usize>p << 2));
    for (let block: usize = 0; block < slotStride; block += 64) {
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
      let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
      let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
      let at = page + block;
      for (let i: usize = 0; i < (<usize>headDim << 2); i += 4) {
        const k0 = v128.load(at), k1 = v128.load(at, 16), k2 = v128.load(at, 32), k3 = v128.load(at, 48);
        const x = v128.load_splat<f32>(q0 + i);
        a0 = f32x4.add(a0, f32x4.mul(x, k0)); a1 = f32x4.add(a1, f32x4.mul(x, k1));
        a2 = f32x4.add(a2, f32x4.mul(x, k2)); a3 = f32x4.add(a3, f32x4.mul(x, k3));
        const y = v128.load_splat<f32>(q1 + i);
        b0 = f32x4.add(b0, f32x4.mul(y, k0)); b1 = f32x4.add(b1, f32x4.mul(y, k1));
        b2 = f32x4.add(b2, f32x4.mul(y, k2)); b3 = f32x4.add(b3, f32x4.mul(y, k3));
        const z = v128.load_splat<f32>(q2 + i);
        c0 = f32x4.add(c0, f32x4.mul(z, k0)); c1 = f32x4.add(c1, f32x4.mul(z, k1));
        c2 = f32x4.add(c2, f32x4.mul(z, k2)); c3 = f32x4.add(c3, f32x4.mul(z, k3));
        at += slotStride;
      }
      v128.store(s0, f32x4.mul(a0, factor)); v128.store(s0, f32x4.mul(a1, factor), 16);
      v128.store(s0, f32x4.mul(a2, factor), 32); v128.store(s0, f32x4.mul(a3, factor), 48);
      v128.store(s1, f32x4.mul(b0, factor)); v128.store(s1, f32x4.mul(b1, factor), 16);
      v128.store(s1, f32x4.mul(b2, factor), 32); v128.store(s1, f32x4.mul(b3, factor), 48);
      v128.store(s2, f32x4.mul(c0, factor)); v128.store(s2, f32x4.mul(c1, factor), 16);
      v128.store(s2, f32x4.mul(c2, factor), 32); v128.store(s2, f32x4.mul(c3, factor), 48);
      s0 += 64; s1 += 64; s2 += 64;
    }
  }
}

/** Replaces count scores by their exponentials and returns 1 / sum. What lies past count, up to four, is masked. */
function softmax(scores: usize, count: i32): f32 {
  const end = scores + (<usize>count << 2);
  const padded = scores + (<usize>((count + 3) & ~3) << 2);
  for (let at = end; at < padded; at += 4) store<f32>(at, MASKED);
  let top = f32x4.splat(MASKED);
  for (let at = scores; at < padded; at += 16) top = f32x4.max(top, v128.load(at));
  const highest = f32x4.splat(max4(top));
  let sum = f32x4.splat(0);
  for (let at = scores; at < padded; at += 16) {
    const e = exp4(f32x4.sub(v128.load(at), highest));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  return <f32>1.0 / sum4(sum);
}

// @ts-ignore: decorator
@inline
function mix3(
  o0: usize, o1: usize, o2: usize, v: usize, table: usize, n0: i32, n1: i32, n2: i32, headBytes: usize, pageTokens: i32,
  s0: usize, s1: usize, s2: usize, i0: f32, i1: f32, i2: f32,
): void {
  for (let block: usize = 0; block < headBytes; block += 64) {
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
    let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
    for (let first = 0; first < n2; first += pageTokens) {
      let at = v + <usize>load<u32>(table + (<usize>(first / pageTokens) << 2)) + block;
      const last = min(first + pageTokens, n2);
      for (let t = first; t < last; t++) {
        const v0 = v128.load(at), v1 = v128.load(at, 16), v2 = v128.load(at, 32), v3 = v128.load(at, 48);
        const offset = <usize>t << 2;
        const x = t < n0 ? v128.load_splat<f32>(s0 + offset) : f32x4.splat(0);
        a0 = f32x4.add(a0, f32x4.mul(x, v0)); a1 = f32x4.add(a1, f32x4.mul(x, v1));
        a2 = f32x4.add(a2, f32x4.mul(x, v2)); a3 = f32x4.add(a3, f32x4.mul(x, v3));
        const y = t < n1 ? v128.load_splat<f32>(s1 + offset) : f32x4.splat(0);
        b0 = f32x4.add(b0, f32x4.mul(y, v0)); b1 = f32x4.add(b1, f32x4.mul(y, v1));
        b2 = f32x4.add(b2, f32x4.mul(y, v2)); b3 = f32x4.add(b3, f32x4.mul(y, v3));
        const z = v128.load_splat<f32>(s2 + offset);
        c0 = f32x4.add(c0, f32x4.mul(z, v0)); c1 = f32x4.add(c1, f32x4.mul(z, v1));
        c2 = f32x4.add(c2, f32x4.mul(z, v2)); c3 = f32x4.add(c3, f32x4.mul(z, v3));
        at += headBytes;
      }
    }
    const f0 = f32x4.splat(i0), f1 = f32x4.splat(i1), f2 = f32x4.splat(i2);
    v128.store(o0 + block, f32x4.mul(a0, f0)); v128.store(o0 + block, f32x4.mul(a1, f0), 16);
    v128.store(o0 + block, f32x4.mul(a2, f0), 32); v128.store(o0 + block, f32x4.mul(a3, f0), 48);
    v128.store(o1 + block, f32x4.mul(b0, f1)); v128.store(o1 + block, f32x4.mul(b1, f1), 16);
    v128.store(o1 + block, f32x4.mul(b2, f1), 32); v128.store(o1 + block, f32x4.mul(b3, f1), 48);
    v128.store(o2 + block, f32x4.mul(c0, f2)); v128.store(o2 + block, f32x4.mul(c1, f2), 16);
    v128.store(o2 + block, f32x4.mul(c2, f2), 32); v128.store(o2 + block, f32x4.mul(c3, f2), 48);
  }
}
