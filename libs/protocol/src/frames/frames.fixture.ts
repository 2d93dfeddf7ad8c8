import { FinishReason } from '../messages/codes.js';
import type { CreditFrame } from './credit-frame.js';
import type { KvFrameHead } from './kv-frame.js';
import type { TextEntry, TextFrame } from './text-frame.js';
import type { TokenEntry, TokenFrame } from './token-frame.js';

/** Repeatable numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TEXTS = ['', 'a', ' the', 'naïve', '漢字', '👩‍🚀', '\ufeffmarked', '\u0000', 'x'.repeat(5000)];

/** Frames with random content, every field over its whole range. */
export class FrameSource {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  hex(chars: number): string {
    return Array.from({ length: chars }, () => this.below(16).toString(16)).join('');
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  u32(): number {
    return this.below(2 ** 32);
  }

  f32(): number {
    return this.random() < 0.05 ? -Infinity : Math.fround(-30 * this.random());
  }

  list<T>(maxLength: number, make: () => T): T[] {
    return Array.from({ length: this.below(maxLength + 1) }, make);
  }

  finish(): FinishReason {
    return this.below(FinishReason.error + 1) as FinishReason;
  }

  #owner() {
    return { rid: this.hex(32), choice: this.below(256), attempt: this.below(256) };
  }

  tokenEntry(): TokenEntry {
    const tokens = this.list(this.random() < 0.1 ? 255 : 3, () => this.u32());
    const top = () => this.list(20, () => ({ token: this.u32(), logprob: this.f32() }));
    const logprobs = this.random() < 0.3 ? tokens.map(() => ({ logprob: this.f32(), top: top() })) : null;
    return { ...this.#owner(), finish: this.finish(), index: this.u32(), tokens, logprobs };
  }

  textEntry(): TextEntry {
    const tokens = this.list(4, () => this.u32());
    const bytes = () => this.bytes(this.below(9));
    const top = () => this.list(20, () => ({ token: this.u32(), bytes: bytes(), logprob: this.f32() }));
    const withText = tokens.slice(0, tokens.length - this.below(2));
    const stops = [null, null, this.u32(), TEXTS[this.below(6)]!];
    return {
      ...this.#owner(),
      finish: this.finish(),
      index: this.u32(),
      tokens,
      text: TEXTS[this.below(TEXTS.length)]! + TEXTS[this.below(7)]!,
      matchedStop: stops[this.below(stops.length)]!,
      logprobs: this.random() < 0.3 ? withText.map(() => ({ bytes: bytes(), logprob: this.f32(), top: top() })) : null,
    };
  }

  tokenFrame(): Omit<TokenFrame, 'count'> {
    return { sender: this.hex(8), seq: this.u32(), entries: this.list(20, () => this.tokenEntry()) };
  }

  textFrame(): Omit<TextFrame, 'count'> {
    return { sender: this.hex(8), seq: this.u32(), entries: this.list(10, () => this.textEntry()) };
  }

  #transfer() {
    return { sender: this.hex(8), seq: this.u32(), ...this.#owner(), room: this.hex(16) };
  }

  kvFrame(): { head: KvFrameHead; payload: Uint8Array[] } {
    const [layerFrom, layerTo] = [this.below(2 ** 16), this.below(2 ** 16)].sort((a, b) => a - b) as [number, number];
    const [tokenFrom, tokenTo] = [this.u32(), this.u32()].sort((a, b) => a - b) as [number, number];
    const head = {
      ...this.#transfer(),
      last: this.random() < 0.5,
      layerFrom,
      layerTo,
      tokenFrom,
      tokenTo,
      crc32: this.u32(),
      firstTokens: this.list(4, () => ({ token: this.u32(), finish: this.finish() })),
    };
    return { head, payload: this.list(3, () => this.bytes(this.below(40))) };
  }

  creditFrame(): CreditFrame {
    return {
      ...this.#transfer(),
      nextSeq: this.u32(),
      limit: this.u32(),
      resend: this.random() < 0.5,
      complete: this.random() < 0.5,
    };
  }
}
