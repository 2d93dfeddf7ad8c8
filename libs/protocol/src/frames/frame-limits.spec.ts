import { FinishReason } from '../messages/codes.js';
import { ProtocolError } from '../protocol-error.js';
import { FrameSource } from './frames.fixture.js';
import { decodeKvFrame, encodeKvFrame } from './kv-frame.js';
import type { TextEntry } from './text-frame.js';
import { decodeTextFrame, encodeTextFrame } from './text-frame.js';
import type { TokenEntry } from './token-frame.js';
import { decodeTokenFrame, encodeTokenFrame, tokenFrameWriter, writeTokenEntry } from './token-frame.js';

const sender = 'ffffffff';
const entry: TokenEntry = {
  rid: 'f'.repeat(32),
  choice: 255,
  attempt: 255,
  finish: FinishReason.none,
  index: 0xffffffff,
  tokens: [0],
  logprobs: null,
};
const text: TextEntry = { ...entry, text: '', matchedStop: null, logprobs: null };

function encoded(change: Partial<TokenEntry>): Uint8Array {
  return encodeTokenFrame({ sender, seq: 0, entries: [{ ...entry, ...change }] });
}

const none = { logprob: 0, top: [] };

describe('a writer takes the last value that fits and refuses the first that does not', () => {
  const refused: [string, Partial<TokenEntry>][] = [
    ['choice', { choice: 256 }],
    ['attempt', { attempt: -1 }],
    ['index', { index: 2 ** 32 }],
    ['index', { index: 0.5 }],
    ['tokens', { tokens: [2 ** 32] }],
    ['tokens.length', { tokens: new Array<number>(256).fill(0) }],
    ['rid', { rid: 'F'.repeat(32) }],
    ['rid', { rid: 'f'.repeat(31) }],
    ['rid', { rid: 'é'.repeat(32) }],
    ['logprobs.length', { logprobs: [] }],
    ['logprobs.length', { logprobs: [none, none] }],
    ['logprobs.top.token', { logprobs: [{ logprob: 0, top: [{ token: 2 ** 32, logprob: 0 }] }] }],
  ];
  it.each(refused)('%s %j', (field, change) => {
    expect(() => encoded(change)).toThrow(expect.objectContaining({ code: 'bad_message', field }));
  });

  const accepted: Partial<TokenEntry>[] = [
    {},
    { tokens: new Array<number>(255).fill(0xffffffff) },
    { logprobs: [none] },
    { tokens: [], logprobs: [] },
    { logprobs: [{ logprob: -Infinity, top: Array.from({ length: 20 }, () => ({ token: 0xffffffff, logprob: -1 })) }] },
  ];
  it.each(accepted)('%#', (change) => {
    expect(decodeTokenFrame(encoded(change)).entries[0]).toEqual({ ...entry, ...change });
  });

  it('65,535 entries', () => {
    const writer = tokenFrameWriter();
    for (let i = 0; i < 0xffff; i++) writeTokenEntry(writer, entry);
    expect(() => writeTokenEntry(writer, entry)).toThrow(ProtocolError);
    expect(decodeTokenFrame(writer.finish(sender, 0)).entries).toHaveLength(0xffff);
  });
});

it('an entry that throws halfway leaves its frame as it was', () => {
  const writer = tokenFrameWriter();
  writeTokenEntry(writer, entry);
  const byteLength = writer.byteLength;
  expect(() => writeTokenEntry(writer, { ...entry, tokens: [1, 2, -1] })).toThrow(ProtocolError);
  expect([writer.count, writer.byteLength]).toEqual([1, byteLength]);
  writeTokenEntry(writer, { ...entry, choice: 3 });
  expect(decodeTokenFrame(writer.finish(sender, 0)).entries).toEqual([entry, { ...entry, choice: 3 }]);
});

it('a writer is empty after a frame, and the frame is not its scratch', () => {
  const writer = tokenFrameWriter();
  writeTokenEntry(writer, entry);
  const first = writer.finish(sender, 1);
  expect([writer.count, writer.byteLength]).toEqual([0, 16]);
  writeTokenEntry(writer, { ...entry, rid: '0'.repeat(32) });
  writer.finish(sender, 2);
  expect(decodeTokenFrame(first).entries).toEqual([entry]);
  writeTokenEntry(writer, entry);
  expect(() => writer.finish('xyz', 3)).toThrow(ProtocolError);
  expect(writer.count).toBe(0);
});

it('text logprobs: one fewer than tokens, never one more', () => {
  const one = { bytes: new Uint8Array(0xffff).fill(7), logprob: -0.5, top: [] };
  const encodedText = (logprobs: TextEntry['logprobs']) =>
    encodeTextFrame({ sender, seq: 0, entries: [{ ...text, logprobs }] });
  for (const logprobs of [[], [one]]) {
    expect(decodeTextFrame(encodedText(logprobs)).entries[0]).toEqual({ ...text, logprobs });
  }
  expect(() => encodedText([one, one])).toThrow(expect.objectContaining({ field: 'logprobs.length' }));
  const longer = [{ ...one, bytes: new Uint8Array(0x10000) }];
  expect(() => encodedText(longer)).toThrow(expect.objectContaining({ field: 'logprobs.bytes.length' }));
});

it('a section of up to 16,777,215 bytes', () => {
  const stopped = (length: number) =>
    encodeTextFrame({ sender, seq: 0, entries: [{ ...text, matchedStop: 'x'.repeat(length) }] });
  expect(decodeTextFrame(stopped(2 ** 24 - 1)).entries[0]!.matchedStop).toHaveLength(2 ** 24 - 1);
  expect(() => stopped(2 ** 24)).toThrow(expect.objectContaining({ field: 'section.byteLength' }));
});

it('payload and the bytes of logprobs are views of the frame', () => {
  const { head } = new FrameSource(1).kvFrame();
  const kv = encodeKvFrame(head, [Uint8Array.of(9)]);
  expect(decodeKvFrame(kv).payload.buffer).toBe(kv.buffer);
  const logprobs = [{ bytes: Uint8Array.of(7), logprob: 0, top: [] }];
  const bytes = encodeTextFrame({ sender, seq: 0, entries: [{ ...text, logprobs }] });
  expect(decodeTextFrame(bytes).entries[0]!.logprobs![0]!.bytes.buffer).toBe(bytes.buffer);
});

it('a reader skips sections that it does not know', () => {
  const bytes = encodeTextFrame({ sender, seq: 0, entries: [{ ...text, text: 'x', matchedStop: 'END' }] });
  // Kind 1 becomes 8: bit 7 of `sections` and the block's own kind.
  bytes[16 + 19] = 0x80;
  bytes[bytes.byteLength - 8] = 8;
  expect(decodeTextFrame(bytes).entries[0]).toMatchObject({ text: 'x', matchedStop: null });
  bytes[bytes.byteLength - 8] = 7;
  expect(() => decodeTextFrame(bytes)).toThrow('section.kind');
  const tokens = encoded({ logprobs: [none] });
  tokens[16 + 24] = 0x80;
  tokens[tokens.byteLength - 12] = 8;
  expect(decodeTokenFrame(tokens).entries[0]).toEqual(entry);
});

it('logprobs that do not end where their section does are refused', () => {
  const bytes = encoded({ logprobs: [{ logprob: 0, top: [{ token: 1, logprob: -1 }] }] });
  bytes[bytes.byteLength - 12] = 2;
  expect(() => decodeTokenFrame(bytes)).toThrow('TokenFrame.logprobs.top.token (byte 16): needs 4 bytes');
  bytes[bytes.byteLength - 12] = 0;
  expect(() => decodeTokenFrame(bytes)).toThrow('TokenFrame.logprobs.end (byte 8): 8 bytes follow');
});

it('text that is not UTF-8, an unknown finish reason and a backward range are refused', () => {
  const bytes = encodeTextFrame({ sender, seq: 0, entries: [{ ...text, text: 'ab' }] });
  bytes[16 + 36] = 0xff;
  expect(() => decodeTextFrame(bytes)).toThrow('not UTF-8');
  const tokens = encoded({});
  tokens[16 + 18] = 5;
  expect(() => decodeTokenFrame(tokens)).toThrow('unknown finish reason 5');
  const { head } = new FrameSource(2).kvFrame();
  const backward = encodeKvFrame({ ...head, tokenFrom: 2, tokenTo: 1 }, []);
  expect(() => decodeKvFrame(backward)).toThrow('range 2 to 1 runs backwards');
});
