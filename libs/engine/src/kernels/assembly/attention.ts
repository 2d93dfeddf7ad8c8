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
/** Of a row's place: address in q, address in the result, tokens that it sees. */
const ROW_BYTES: usize = 12;
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
 *
 * Pages are read once and in order, all heads of one after the other, where a sequence has one query token; longer runs go
 * head by head, so that their K and V stay in the cache from one tile of rows to the next.
 *
 * rows: scratch of ROW_BYTES for each row of a group, rounded up to whole tiles of three.
 * scores: scratch of scoreBytes for each of them and each KV head; scoreBytes covers the longest context in whole pages.
 */
export function attend(
  qkv: usize, out: usize, sequences: usize, sequenceCount: i32, layer: usize,
  heads: i32, kvHeads: i32, headDim: i32, pageTokens: i32, rows: usize, scores: usize, scoreBytes: usize,
): void {
  const group = heads / kvHeads;
  const headBytes = <usize>headDim << 2;
  const blockBytes = headBytes * <usize>pageTokens;
  const scale = <f32>1.0 / sqrt<f32>(<f32>headDim);
  for (let s = 0; s < sequenceCount; s++) {
    const d = sequences + <usize>s * DESCRIPTOR_BYTES;
    const firstRow = <usize>load<i32>(d);
    const tokens = load<i32>(d, 4);
    const position = load<i32>(d, 8);
    const table = <usize>load<i32>(d, 12);
    const q = qkv + firstRow * <usize>(heads + 2 * kvHeads) * headBytes;
    const o = out + firstRow * <usize>heads * headBytes;
    const total = tokens * group;
    const step = tokens == 1 ? total : 3;
    const headStep = tokens == 1 ? kvHeads : 1;
    for (let h = 0; h < kvHeads; h += headStep) {
      for (let r = 0; r < total; r += step) {
        const count = min(step, total - r);
        placeRows(rows, q, o, r, count, h, heads, kvHeads, headBytes, position);
        attendRows(
          rows, count, layer + <usize>h * blockBytes, table, headStep, kvHeads, headDim, pageTokens, scores, scoreBytes, scale,
        );
      }
    }
  }
}

/**
 * Writes where rows [first, first + count) of a KV head lie: a row is a query token (row / group) and a head of the group.
 * The last one is repeated to fill its tile of three: u32 address in q, u32 address in the result, i32 tokens that it sees.
 */
function placeRows(
  rows: usize, q: usize, o: usize, first: i32, count: i32, head: i32, heads: i32, kvHeads: i32, headBytes: usize, position: i32,
): void {
  const group = heads / kvHeads;
  for (let i = 0; i < count + 2; i++) {
    const row = first + min(i, count - 1);
    const token = row / group;
    const inToken = <usize>(head * group + (row % group)) * headBytes;
    const at = rows + <usize>i * ROW_BYTES;
    store<u32>(at, <u32>(q + <usize>(token * (heads + 2 * kvHeads)) * headBytes + inToken));
    store<u32>(at, <u32>(o + <usize>(token * heads) * headBytes + inToken), 4);
    store<i32>(at, position + token + 1, 8);
  }
}

/** The placed rows of `headCount` KV heads, the first of which begins at `layer` in a page. */
function attendRows(
  rows: usize, count: i32, layer: usize, table: usize, headCount: i32, kvHeads: i32, headDim: i32, pageTokens: i32,
  scores: usize, scoreBytes: usize, scale: f32,
): void {
  const headBytes = <usize>headDim << 2;
  const blockBytes = headBytes * <usize>pageTokens;
  const pageBytes = <usize>pageTokens << 2;
  const groupBytes = <usize>count * headBytes;
  const tokens = load<i32>(rows + <usize>(count - 1) * ROW_BYTES, 8);
  const pages = (tokens + pageTokens - 1) / pageTokens;
  const headScores = <usize>((count + 2) / 3 * 3) * scoreBytes;

  for (let p = 0; p < pages; p++) {
    let k = layer + <usize>load<u32>(table + (<usize>p << 2));
    let at = scores + <usize>p * pageBytes;
    let head: usize = 0;
    for (let h = 0; h < headCount; h++) {
      for (let r = 0; r < count; r += 3) {
        const row = rows + <usize>r * ROW_BYTES;
        const to = at + <usize>r * scoreBytes;
        score3(
          <usize>load<u32>(row) + head, <usize>load<u32>(row, ROW_BYTES) + head, <usize>load<u32>(row, 2 * ROW_BYTES) + head,
          k, headDim, pageTokens, to, to + scoreBytes, to + 2 * scoreBytes, scale,
        );
      }
      k += blockBytes;
      at += headScores;
      head += groupBytes;
    }
  }
  for (let h = 0; h < headCount; h++) {
    for (let r = 0; r < count; r++) {
      const row = rows + <usize>r * ROW_BYTES;
      softmax(scores + <usize>h * headScores + <usize>r * scoreBytes, load<i32>(row, 8), tokens);
      memory.fill(<usize>load<u32>(row, 4) + <usize>h * groupBytes, 0, headBytes);
    }
  }
  for (let p = 0; p < pages; p++) {
    let v = layer + <usize>load<u32>(table + (<usize>p << 2)) + <usize>kvHeads * blockBytes;
    let at = scores + <usize>p * pageBytes;
    let head: usize = 0;
    const inPage = min(tokens - p * pageTokens, pageTokens);
    for (let h = 0; h < headCount; h++) {
      for (let r = 0; r < count; r += 3) {
        const row = rows + <usize>r * ROW_BYTES;
        const s0 = at + <usize>r * scoreBytes;
        // A repeated row is the same memory with the same scores: it is summed to the same values and written again.
        const s1 = r + 1 < count ? s0 + scoreBytes : s0;
        const s2 = r + 2 < count ? s1 + scoreBytes : s1;
        mix3(
          <usize>load<u32>(row, 4) + head, <usize>load<u32>(row, ROW_BYTES + 4) + head, <usize>load<u32>(row, 2 * ROW_BYTES + 4) + head,
          v, inPage, headBytes, s0, s1, s2,
        );
      }
      v += blockBytes;
      at += headScores;
      head += groupBytes;
    }
  }
}

/** Scores of one page's tokens for three rows. */
// @ts-ignore: decorator
@inline
function score3(
  q0: usize, q1: usize, q2: usize, k: usize, headDim: i32, pageTokens: i32, s0: usize, s1: usize, s2: usize, scale: f32,
): void {
  const slotStride = <usize>pageTokens << 2;
  const factor = f32x4.splat(scale);
  for (let block: usize = 0; block < slotStride; block += 64) {
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
    let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
    let at = k + block;
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

/** Replaces count scores by their probabilities, and what follows up to `tokens` by zeros. */
function softmax(scores: usize, count: i32, tokens: i32): void {
  const end = scores + (<usize>count << 2);
  const padded = scores + (<usize>((count + 3) & ~3) << 2);
  for (let at = end; at < padded; at += 4) store<f32>(at, MASKED);
  let top = f32x4.splat(MASKED);
  for (let at = scores; at < padded; at += 16) top = f32x4.pmax(top, v128.load(at));
  const highest = f32x4.splat(max4(top));
  let sum = f32x4.splat(0);
  for (let at = scores; at < padded; at += 16) {
    const e = exp4(f32x4.sub(v128.load(at), highest));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  const share = f32x4.splat(<f32>1.0 / sum4(sum));
  for (let at = scores; at < padded; at += 16) v128.store(at, f32x4.mul(v128.load(at), share));
  for (let at = end; at < scores + (<usize>tokens << 2); at += 4) store<f32>(at, 0);
}

/** Adds the mix of one page's V to three rows of the result, which stay in the cache meanwhile. */
// @ts-ignore: decorator
@inline
function mix3(
  o0: usize, o1: usize, o2: usize, v: usize, count: i32, headBytes: usize, s0: usize, s1: usize, s2: usize,
): void {
  for (let block: usize = 0; block < headBytes; block += 64) {
    let a0 = v128.load(o0 + block), a1 = v128.load(o0 + block, 16), a2 = v128.load(o0 + block, 32), a3 = v128.load(o0 + block, 48);
    let b0 = v128.load(o1 + block), b1 = v128.load(o1 + block, 16), b2 = v128.load(o1 + block, 32), b3 = v128.load(o1 + block, 48);
    let c0 = v128.load(o2 + block), c1 = v128.load(o2 + block, 16), c2 = v128.load(o2 + block, 32), c3 = v128.load(o2 + block, 48);
    let at = v + block;
    for (let offset: usize = 0; offset < (<usize>count << 2); offset += 4) {
      const v0 = v128.load(at), v1 = v128.load(at, 16), v2 = v128.load(at, 32), v3 = v128.load(at, 48);
      const x = v128.load_splat<f32>(s0 + offset);
      a0 = f32x4.add(a0, f32x4.mul(x, v0)); a1 = f32x4.add(a1, f32x4.mul(x, v1));
      a2 = f32x4.add(a2, f32x4.mul(x, v2)); a3 = f32x4.add(a3, f32x4.mul(x, v3));
      const y = v128.load_splat<f32>(s1 + offset);
      b0 = f32x4.add(b0, f32x4.mul(y, v0)); b1 = f32x4.add(b1, f32x4.mul(y, v1));
      b2 = f32x4.add(b2, f32x4.mul(y, v2)); b3 = f32x4.add(b3, f32x4.mul(y, v3));
      const z = v128.load_splat<f32>(s2 + offset);
      c0 = f32x4.add(c0, f32x4.mul(z, v0)); c1 = f32x4.add(c1, f32x4.mul(z, v1));
      c2 = f32x4.add(c2, f32x4.mul(z, v2)); c3 = f32x4.add(c3, f32x4.mul(z, v3));
      at += headBytes;
    }
    v128.store(o0 + block, a0); v128.store(o0 + block, a1, 16); v128.store(o0 + block, a2, 32); v128.store(o0 + block, a3, 48);
    v128.store(o1 + block, b0); v128.store(o1 + block, b1, 16); v128.store(o1 + block, b2, 32); v128.store(o1 + block, b3, 48);
    v128.store(o2 + block, c0); v128.store(o2 + block, c1, 16); v128.store(o2 + block, c2, 32); v128.store(o2 + block, c3, 48);
  }
}
