import {
  decodeCreditFrame,
  decodeKvFrame,
  decodeTextFrame,
  decodeTokenFrame,
  parseAbort,
  parseBootstrap,
  parseDecodeLeg,
  parseEncodeRequest,
  parseFailed,
  parseHeartbeat,
  parsePrefillLeg,
} from '@sliceway/protocol';

/** A message as it was on the wire. */
export interface WireMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

const FRAMES: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  tokens: decodeTokenFrame,
  text: decodeTextFrame,
  kv: decodeKvFrame,
  credit: decodeCreditFrame,
};
const EVENTS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'tokenizer.encode': parseEncodeRequest,
  'prefill.leg': parsePrefillLeg,
  'decode.leg': parseDecodeLeg,
  'tokenizer.abort': parseAbort,
  'prefill.abort': parseAbort,
  'decode.abort': parseAbort,
  'gateway.failed': parseFailed,
  'prefill.bootstrap': parseBootstrap,
  'cluster.heartbeat': parseHeartbeat,
};
/** Takes the place of any value. */
const STRANGE: readonly unknown[] = [null, -1, 1.5, 2 ** 40, 'x', '', [], {}, true, [[]], 'é'.repeat(1000)];
const TRIES = 50;

/** `<receiver role>.<message>` of a subject. */
export function kindOf(subject: string): string {
  const [, role, , message] = subject.split('.');
  return `${role}.${message}`;
}

/** Kinds that a receiver parses. */
export const KINDS: readonly string[] = [
  ...Object.keys(EVENTS),
  'tokenizer.tokens',
  'gateway.text',
  'decode.kv',
  'prefill.credit',
];

/** Damages a message until no receiver can read it any more; the same generator gives the same damage. */
export function malformed({ subject, data }: WireMessage, random: () => number): WireMessage {
  const isFrame = subject.split('.')[3]! in FRAMES;
  for (let i = 0; i < TRIES; i++) {
    const damaged = isFrame || random() < 0.3 ? damagedBytes(data, random) : damagedJson(data, random);
    if (!isReadable(subject, damaged)) return { subject, data: damaged };
  }
  return { subject, data: data.subarray(0, 3) };
}

function isReadable(subject: string, data: Uint8Array): boolean {
  const message = subject.split('.')[3]!;
  try {
    if (FRAMES[message]) FRAMES[message](data);
    else EVENTS[kindOf(subject)]!((JSON.parse(Buffer.from(data).toString()) as { data?: unknown }).data);
    return true;
  } catch {
    return false;
  }
}

/** Cut short, drawn out, or with some bytes changed. */
function damagedBytes(data: Uint8Array, random: () => number): Uint8Array {
  const way = random();
  if (way < 0.25) return data.slice(0, Math.floor(random() * data.length));
  if (way < 0.4) return Buffer.concat([data, Buffer.alloc(1 + Math.floor(random() * 64), 0xa5)]);
  const damaged = Uint8Array.from(data);
  const near = random() < 0.7 ? Math.min(64, data.length) : data.length;
  for (let left = 1 + Math.floor(random() * 8); left > 0; left--)
    damaged[Math.floor(random() * near)] = Math.floor(random() * 256);
  return damaged;
}

/** One field, at any depth, is missing or is something else. */
function damagedJson(data: Uint8Array, random: () => number): Uint8Array {
  const message = JSON.parse(Buffer.from(data).toString()) as { data: object };
  let at = message as Record<string, unknown>;
  let key = 'data';
  while (typeof at[key] === 'object' && at[key] !== null && random() < 0.85) {
    const inner = at[key] as Record<string, unknown>;
    const keys = Object.keys(inner);
    if (keys.length === 0) break;
    at = inner;
    key = keys[Math.floor(random() * keys.length)]!;
  }
  if (random() < 0.3) delete at[key];
  else at[key] = STRANGE[Math.floor(random() * STRANGE.length)];
  return Buffer.from(JSON.stringify(message));
}
