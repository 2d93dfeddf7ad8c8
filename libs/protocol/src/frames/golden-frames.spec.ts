import { FinishReason } from '../messages/codes.js';
import type { CreditFrame } from './credit-frame.js';
import { decodeCreditFrame, encodeCreditFrame } from './credit-frame.js';
import type { KvFrameHead } from './kv-frame.js';
import { decodeKvFrame, encodeKvFrame } from './kv-frame.js';
import type { TextEntry } from './text-frame.js';
import { decodeTextFrame, encodeTextFrame } from './text-frame.js';
import type { TokenEntry } from './token-frame.js';
import { decodeTokenFrame, encodeTokenFrame } from './token-frame.js';

const sender = '0a1b2c3d';
const rid = '000102030405060708090a0b0c0d0e0f';
const room = '1122334455667788';

/** Hex by fields; spaces are for the reader. */
function golden(...fields: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(fields.join('').replaceAll(' ', ''), 'hex'));
}

it('token frame', () => {
  const entries: TokenEntry[] = [
    { rid, choice: 1, attempt: 2, finish: FinishReason.length, index: 7, tokens: [49_151, 0xfffffffe], logprobs: null },
    {
      ...{ rid, choice: 0, attempt: 0, finish: FinishReason.none, index: 8, tokens: [5, 6] },
      logprobs: [
        { logprob: -0.5, top: [{ token: 5, logprob: -0.5 }] },
        { logprob: -Infinity, top: [] },
      ],
    },
  ];
  const bytes = golden(
    '5357 01 01 3d2c1b0a 05000000 0200 0000', // header: "SW", version, type, sender, seq, count, flags
    '000102030405060708090a0b0c0d0e0f 01 02 02 02', // rid, choice, attempt, finish, tokenCount
    '07000000 00 000000', // index, sections, pad
    'ffbf0000 feffffff', // tokens
    '000102030405060708090a0b0c0d0e0f 00 00 00 02',
    '08000000 01 000000 05000000 06000000',
    '01 180000', // section 1, logprobs: kind, byteLength
    '000000bf 01000000 05000000 000000bf', // logprob, topCount, token, logprob
    '000080ff 00000000',
  );
  expect(encodeTokenFrame({ sender, seq: 5, entries })).toEqual(bytes);
  expect(decodeTokenFrame(bytes)).toEqual({ sender, seq: 5, count: 2, entries });
});

it('text frame', () => {
  const entry: TextEntry = {
    ...{ rid, choice: 0, attempt: 0, finish: FinishReason.none, index: 3, tokens: [5], text: 'é!' },
    ...{ matchedStop: null, logprobs: null },
  };
  const entries: TextEntry[] = [
    entry,
    { ...entry, finish: FinishReason.stop, index: 4, tokens: [], text: '', matchedStop: 'END' },
    {
      ...{ ...entry, choice: 1, finish: FinishReason.stop, index: 8, tokens: [9, 2], text: 'a', matchedStop: 2 },
      logprobs: [
        { bytes: Uint8Array.of(0x61), logprob: -2, top: [{ token: 7, bytes: new Uint8Array(), logprob: -0.5 }] },
      ],
    },
  ];
  const bytes = golden(
    '5357 01 02 3d2c1b0a ffffffff 0300 0000', // header
    '000102030405060708090a0b0c0d0e0f 00 00 00 00', // rid, choice, attempt, finish, sections
    '03000000 0100 0000 03000000 05000000', // index, tokenCount, pad, textBytes, token
    'c3a921 00', // text, padding
    '000102030405060708090a0b0c0d0e0f 00 00 01 01',
    '04000000 0000 0000 00000000',
    '01 030000 454e44 00', // section 1, stop string: kind, byteLength, UTF-8, padding
    '000102030405060708090a0b0c0d0e0f 01 00 01 06',
    '08000000 0200 0000 01000000 09000000 02000000',
    '61 000000',
    '02 040000 02000000', // section 2: stop token
    '03 130000', // section 3: logprobs
    '000000c0 0100 0100 61', // logprob, topCount, byteCount, bytes
    '07000000 000000bf 0000 00', // token, logprob, byteCount, padding of the section
  );
  expect(encodeTextFrame({ sender, seq: 0xffffffff, entries })).toEqual(bytes);
  expect(decodeTextFrame(bytes)).toEqual({ sender, seq: 0xffffffff, count: 3, entries });
});

it('KV frame', () => {
  const head: KvFrameHead = {
    sender,
    seq: 1,
    rid,
    choice: 0,
    attempt: 1,
    room,
    last: true,
    layerFrom: 0,
    layerTo: 30,
    tokenFrom: 16,
    tokenTo: 19,
    crc32: 0xdeadbeef,
    firstTokens: [{ token: 42, finish: FinishReason.none }],
  };
  const bytes = golden(
    '5357 01 03 3d2c1b0a 01000000 0100 0000', // header
    '000102030405060708090a0b0c0d0e0f 00 01 01 01', // rid, choice, attempt, flags, firstTokenCount
    '8877665544332211 0000 1e00', // room, layerFrom, layerTo
    '10000000 13000000 efbeadde 03000000', // tokenFrom, tokenTo, crc32, payloadBytes
    '2a000000 00 000000', // first token: token, finish, pad
    '010203', // payload
  );
  expect(encodeKvFrame(head, [Uint8Array.of(1, 2), Uint8Array.of(3)])).toEqual(bytes);
  expect(decodeKvFrame(bytes)).toEqual({ ...head, payload: Uint8Array.of(1, 2, 3) });
});

it('credit frame', () => {
  const frame: CreditFrame = {
    ...{ sender, seq: 2, rid, choice: 0, attempt: 1, room },
    ...{ nextSeq: 3, limit: 11, resend: true, complete: false },
  };
  const bytes = golden(
    '5357 01 04 3d2c1b0a 02000000 0100 0000', // header
    '000102030405060708090a0b0c0d0e0f 00 01 01 00', // rid, choice, attempt, flags, pad
    '8877665544332211 03000000 0b000000', // room, nextSeq, limit
  );
  expect(encodeCreditFrame(frame)).toEqual(bytes);
  expect(decodeCreditFrame(bytes)).toEqual(frame);
  expect(encodeCreditFrame({ ...frame, resend: false, complete: true })[34]).toBe(2);
});
