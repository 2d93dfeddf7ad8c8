import { encodeCreditFrame, encodeKvFrame, encodeTokenFrame, FinishReason } from '@sliceway/protocol';

/** Repeatable numbers in [0, 1): mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const JUNK: readonly unknown[] = [
  ...[null, true, -1, 0.5, 1e308, 2 ** 32, 2 ** 53, '', 'x', 'x'.repeat(10_000), '\u0000', 'é'],
  ...[[], [null], {}, { __proto__: null }, [[[[[[]]]]]], { data: {} }],
];

/** What nobody meant to send, made of valid messages: the same for the same seed. */
export class MalformedMessages {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Of a Nest packet `{ pattern, data }`: damaged text, a field that is missing or is something else, or no JSON at all. */
  json(pattern: string, data: unknown): Uint8Array {
    const packet: unknown = { pattern, data, ...(this.#below(4) === 0 ? { id: 'x' } : {}) };
    switch (this.#below(4)) {
      case 0:
        return this.#damage(Buffer.from(JSON.stringify(packet)));
      case 1:
        return this.#noise(this.#below(200));
      case 2:
        return Buffer.from(JSON.stringify(this.#pick(JUNK)));
      default:
        return Buffer.from(JSON.stringify(this.#change(packet)));
    }
  }

  /** Of a frame: flipped bits, cut or prolonged, or noise behind a valid header. */
  frame(valid: Uint8Array): Uint8Array {
    switch (this.#below(4)) {
      case 0:
        return valid.slice(0, this.#below(valid.byteLength));
      case 1:
        return Buffer.concat([valid, this.#noise(1 + this.#below(100))]);
      case 2:
        return Buffer.concat([valid.slice(0, 16), this.#noise(this.#below(400))]);
      default:
        return this.#damage(valid);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  #noise(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#below(256));
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const damaged = Uint8Array.from(bytes);
    for (let flips = 1 + this.#below(8); flips > 0; flips--)
      damaged[this.#below(damaged.length)]! ^= 1 << this.#below(8);
    return damaged;
  }

  /** A copy with one field, at any depth, removed or replaced. */
  #change(value: unknown): unknown {
    const copy = structuredClone(value) as Record<string, unknown>;
    let at = copy;
    for (;;) {
      const key = this.#pick(Object.keys(at));
      const inner = at[key];
      const isOwner = typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0;
      if (isOwner && this.#random() < 0.8) {
        at = inner as Record<string, unknown>;
        continue;
      }
      if (this.#below(3) === 0) delete at[key];
      else at[key] = this.#pick(JUNK);
      return copy;
    }
  }
}

const owner = { rid: 'f'.repeat(32), choice: 0, attempt: 0 };
const sender = '0badcafe';

/** One valid frame of each type that a worker takes, of a request that nobody knows. */
export const VALID_FRAMES = {
  TokenFrame: encodeTokenFrame({
    ...{ sender, seq: 0 },
    entries: [
      {
        ...{ ...owner, finish: FinishReason.none, index: 0, tokens: [1, 2] },
        logprobs: [
          { logprob: -1, top: [{ token: 1, logprob: -1 }] },
          { logprob: -2, top: [] },
        ],
      },
    ],
  }),
  KvFrame: encodeKvFrame(
    {
      ...{ ...owner, sender, seq: 0, room: '0'.repeat(16), last: false, crc32: 0, firstTokens: [] },
      ...{ layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 16 },
    },
    [new Uint8Array(64)],
  ),
  CreditFrame: encodeCreditFrame({
    ...{ ...owner, sender, seq: 0, room: '0'.repeat(16), nextSeq: 0, limit: 8, resend: false, complete: false },
  }),
};
