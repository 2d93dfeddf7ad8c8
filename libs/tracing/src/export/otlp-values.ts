import type { ProtobufWriter } from './protobuf-writer.js';

/** Fields of opentelemetry/proto/common/v1/common.proto, with their wire types. */
export const KeyValueTag = { key: 0x0a, value: 0x12 } as const;
export const ValueTag = { string: 0x0a, boolean: 0x10, integer: 0x18, double: 0x21, array: 0x2a } as const;
/** Of an ArrayValue. */
export const ARRAY_VALUES = 0x0a;

const INT64_END = 2 ** 63;

/** Whether a number is an `intValue` of OTLP; all others are a `doubleValue`. */
export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -INT64_END && value < INT64_END;
}

/** The content of an AnyValue. */
export function encodeNumber(out: ProtobufWriter, value: number): void {
  if (isInt64(value)) {
    out.byte(ValueTag.integer);
    out.int64(value);
  } else {
    out.byte(ValueTag.double);
    out.double(value);
  }
}
