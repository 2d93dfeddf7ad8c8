import type { AttributeValue, TraceAttributes } from '../request-trace.js';
import { ARRAY_VALUES, encodeNumber, KeyValueTag, ValueTag } from './otlp-values.js';
import { ProtobufWriter } from './protobuf-writer.js';

const RESOURCE = 0x0a;
const SCOPE = 0x0a;
const ATTRIBUTES = 0x0a;
const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;

/** Field `resource` of a ResourceSpans. */
export function encodeResource(attributes: TraceAttributes): Uint8Array {
  const out = new ProtobufWriter(1024);
  out.byte(RESOURCE);
  const begun = out.begin();
  for (const [key, value] of Object.entries(attributes)) {
    out.reserve(16);
    out.byte(ATTRIBUTES);
    const pair = out.begin();
    out.byte(KeyValueTag.key);
    out.block(Buffer.from(key));
    out.reserve(16);
    out.byte(KeyValueTag.value);
    anyValue(out, value);
    out.end(pair);
  }
  out.end(begun);
  return out.take();
}

/** Field `scope` of a ScopeSpans. */
export function encodeScope(name: string, version: string): Uint8Array {
  const out = new ProtobufWriter(64);
  out.byte(SCOPE);
  const begun = out.begin();
  out.byte(SCOPE_NAME);
  out.block(Buffer.from(name));
  if (version !== '') {
    out.reserve(1);
    out.byte(SCOPE_VERSION);
    out.block(Buffer.from(version));
  }
  out.end(begun);
  return out.take();
}

function anyValue(out: ProtobufWriter, value: AttributeValue): void {
  out.reserve(32);
  const begun = out.begin();
  if (typeof value === 'string') {
    out.byte(ValueTag.string);
    out.block(Buffer.from(value));
  } else if (typeof value === 'boolean') {
    out.byte(ValueTag.boolean);
    out.byte(Number(value));
  } else if (typeof value === 'number') {
    encodeNumber(out, value);
  } else {
    out.byte(ValueTag.array);
    const list = out.begin();
    for (const each of value) {
      out.reserve(1);
      out.byte(ARRAY_VALUES);
      anyValue(out, each);
    }
    out.end(list);
  }
  out.end(begun);
}
