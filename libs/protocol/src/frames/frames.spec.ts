import { ProtocolError } from '../protocol-error.js';
import { decodeCreditFrame, encodeCreditFrame } from './credit-frame.js';
import { FrameSource } from './frames.fixture.js';
import { decodeKvFrame, encodeKvFrame, kvFrameBytes } from './kv-frame.js';
import { decodeTextFrame, encodeTextFrame, textFrameWriter } from './text-frame.js';
import { decodeTokenFrame, encodeTokenFrame, tokenFrameWriter } from './token-frame.js';

const SEED = 20_260_101;
const ROUNDS = 300;

/** Writers that are used again: a frame must not depend on the ones before it. */
const tokenWriter = tokenFrameWriter(16);
const textWriter = textFrameWriter(16);

/** Each codec: a random value, its bytes, and what decoding them should give. */
const codecs = {
  TokenFrame: {
    make(source: FrameSource) {
      const frame = source.tokenFrame();
      return { bytes: encodeTokenFrame(frame, tokenWriter), expected: { ...frame, count: frame.entries.length } };
    },
    decode: decodeTokenFrame as (bytes: Uint8Array) => unknown,
  },
  TextFrame: {
    make(source: FrameSource) {
      const frame = source.textFrame();
      return { bytes: encodeTextFrame(frame, textWriter), expected: { ...frame, count: frame.entries.length } };
    },
    decode: decodeTextFrame as (bytes: Uint8Array) => unknown,
  },
  KvFrame: {
    make(source: FrameSource) {
      const { head, payload } = source.kvFrame();
      const joined = Uint8Array.from(payload.flatMap((part) => [...part]));
      const bytes = encodeKvFrame(head, payload);
      expect(bytes.byteLength).toBe(kvFrameBytes(head.firstTokens.length, joined.byteLength));
      return { bytes, expected: { ...head, payload: joined } };
    },
    decode: decodeKvFrame as (bytes: Uint8Array) => unknown,
  },
  CreditFrame: {
    make(source: FrameSource) {
      const frame = source.creditFrame();
      return { bytes: encodeCreditFrame(frame), expected: frame };
    },
    decode: decodeCreditFrame as (bytes: Uint8Array) => unknown,
  },
};

/** The frame at an odd place inside a larger buffer: whoever reads past its end reads 0xa5. */
function embed(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.byteLength + 64).fill(0xa5);
  buffer.set(bytes, 13);
  return buffer.subarray(13, 13 + bytes.byteLength);
}

/** Decodes, and proves that nothing outside of `bytes` was looked at: other surroundings give the same outcome. */
function outcome(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  const attempt = (view: Uint8Array): unknown => {
    try {
      return decode(view);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.message;
    }
  };
  const alone = attempt(bytes);
  expect(attempt(embed(bytes))).toEqual(alone);
  return alone;
}

describe.each(Object.entries(codecs))('%s', (name, { make, decode }) => {
  it('gives back what was encoded', () => {
    const source = new FrameSource(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, expected } = make(source);
      expect(decode(embed(bytes))).toEqual(expected);
    }
  });

  it('refuses every truncation and every byte too many', () => {
    const source = new FrameSource(SEED + 1);
    for (let round = 0; round < 20; round++) {
      const { bytes } = make(source);
      const step = Math.max(1, Math.floor(bytes.byteLength / 200));
      for (let length = 0; length < bytes.byteLength; length += step) {
        expect(() => decode(bytes.subarray(0, length))).toThrow(ProtocolError);
      }
      const longer = new Uint8Array(bytes.byteLength + 1);
      longer.set(bytes);
      expect(() => decode(longer)).toThrow(ProtocolError);
    }
  });

  it('decodes or refuses any damage without reading outside', () => {
    const source = new FrameSource(SEED + 2);
    let refused = 0;
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const { bytes } = make(source);
      for (let flips = 1 + source.below(4); flips > 0; flips--) {
        bytes[source.below(Math.min(bytes.byteLength, 128))]! ^= 1 << source.below(8);
      }
      if (typeof outcome(decode, bytes) === 'string') refused++;
    }
    // A flip in the fixed part of the header alone is refused in about one case of eight.
    expect(refused).toBeGreaterThan(ROUNDS / 4);
  });

  it('refuses random bytes behind a valid start', () => {
    const source = new FrameSource(SEED + 3);
    const { bytes } = make(source);
    for (let round = 0; round < ROUNDS; round++) {
      const noise = source.bytes(source.below(400));
      noise.set(bytes.subarray(0, Math.min(4, noise.byteLength)));
      outcome(decode, noise);
    }
  });

  it('names the type, the field and what to do in its errors', () => {
    const { bytes } = make(new FrameSource(SEED + 4));
    bytes[2] = 2;
    expect(() => decode(bytes)).toThrow(
      `${name}.version (byte 3): this build reads version 1, got 2: run one release on all services`,
    );
  });
});
