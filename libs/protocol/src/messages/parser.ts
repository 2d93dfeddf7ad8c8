import { isHex, REQUEST_ID_CHARS, ROOM_CHARS, WORKER_ID_CHARS } from '../ids.js';
import { ProtocolError } from '../protocol-error.js';

/** Returns `value` as a T made of known fields only, or throws ProtocolError that names the field by `path`. */
export type Parser<T> = (value: unknown, path: string) => T;

const MAX_U8 = 0xff;
const MAX_U32 = 0xffffffff;

/** What was found, without its text: a prompt must not reach a log through an error. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'undefined' ? 'nothing' : `a value of type ${typeof value}`;
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new ProtocolError(path, `expected ${expected}, got ${describe(value)}`);
}

function recordOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', value);
  return value as Record<string, unknown>;
}

/** An object with these fields. Others are left out, so that a newer sender may add some. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: Parser<T[K]> }): Parser<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return (value, path) => {
    const record = recordOf(value, path);
    const result: Partial<T> = {};
    for (const key of keys) {
      result[key] = fields[key](Object.hasOwn(record, key) ? record[key] : undefined, `${path}.${key}`);
    }
    return result as T;
  };
}

/** An object with exactly one of these keys, which tells the alternatives apart. */
export function oneKeyOf<T extends object>(alternatives: Readonly<Record<string, Parser<T>>>): Parser<T> {
  const keys = Object.keys(alternatives);
  return (value, path) => {
    const record = recordOf(value, path);
    const found = keys.filter((key) => Object.hasOwn(record, key));
    if (found.length !== 1) throw new ProtocolError(path, `expected exactly one of ${keys.join(', ')}`);
    return alternatives[found[0]!]!(value, path);
  };
}

export function array<T>(item: Parser<T>, minLength = 0): Parser<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < minLength) {
      return refuse(path, minLength > 0 ? `an array of at least ${minLength}` : 'an array', value);
    }
    return value.map((entry: unknown, i) => item(entry, `${path}[${i}]`));
  };
}

/** An array of exactly these two. */
export function tuple<A, B>(first: Parser<A>, second: Parser<B>): Parser<[A, B]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) refuse(path, 'an array of 2', value);
    const [a, b] = value as [unknown, unknown];
    return [first(a, `${path}[0]`), second(b, `${path}[1]`)];
  };
}

export function nullable<T>(parser: Parser<T>): Parser<T | null> {
  return (value, path) => (value === null ? null : parser(value, path));
}

export function oneOf<T extends string | number>(values: readonly T[]): Parser<T> {
  return (value, path) => {
    if (!values.includes(value as T)) refuse(path, `one of ${values.join(', ')}`, value);
    return value as T;
  };
}

export function integer(min: number, max: number): Parser<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
      refuse(path, `an integer from ${min} to ${max}`, value);
    }
    return value as number;
  };
}

export const u8 = integer(0, MAX_U8);
export const u32 = integer(0, MAX_U32);
/** Counts and epoch milliseconds. */
export const count = integer(0, Number.MAX_SAFE_INTEGER);

/** A finite number for which `holds`; `range` says in words which. */
export function number(range: string, holds: (value: number) => boolean): Parser<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || !holds(value)) refuse(path, `a number ${range}`, value);
    return value as number;
  };
}

export const string: Parser<string> = (value, path) =>
  typeof value === 'string' ? value : refuse(path, 'a string', value);

export const boolean: Parser<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'true or false', value);

/** Token ids, thousands of them: checked in one loop that makes no paths. */
export const tokenIds: Parser<number[]> = (value, path) => {
  if (!Array.isArray(value)) return refuse(path, 'an array of token ids', value);
  for (let i = 0; i < value.length; i++) {
    const id: unknown = value[i];
    if (typeof id !== 'number' || id >>> 0 !== id) refuse(`${path}[${i}]`, 'a token id (u32)', id);
  }
  return value as number[];
};

function hex(chars: number): Parser<string> {
  return (value, path) =>
    typeof value === 'string' && isHex(value, chars) ? value : refuse(path, `${chars} lowercase hex characters`, value);
}

export const workerId = hex(WORKER_ID_CHARS);
export const requestId = hex(REQUEST_ID_CHARS);
export const room = hex(ROOM_CHARS);
