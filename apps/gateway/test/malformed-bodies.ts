/** One HTTP body that nobody should send. */
export interface MalformedBody {
  readonly path: string;
  /** What was done to a valid one. */
  readonly how: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

type Random = () => number;
type Json = Record<string, unknown>;

/** Takes the place of any value; a raw JSON text goes in unquoted, so that it may be none. */
class Raw {
  constructor(readonly json: string) {}
}
const deep = (open: string, close: string, depth: number) => new Raw(open.repeat(depth) + close.repeat(depth));
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  '',
  'x',
  '\u0000',
  '\ud800',
  'é'.repeat(5000),
  [],
  {},
  [[]],
  [null],
  [{}],
  [1, 'a', null],
  { __proto__: null, constructor: {}, toString: 1 },
  new Raw('{"__proto__":{"stream":true}}'),
  new Raw('1e400'),
  new Raw('-1e400'),
  new Raw('-0'),
  new Raw(`1${'0'.repeat(400)}`),
  new Raw('NaN'),
  new Raw('Infinity'),
  new Raw('undefined'),
  new Raw('01'),
  new Raw("'x'"),
  new Raw('"\\ud800\\u0000"'),
  deep('[', ']', 20_000),
  deep('{"a":', '}', 20_000),
  new Raw(`[${'1,'.repeat(20_000)}1]`),
];

type Mutation = readonly [how: string, change: (valid: Json, random: Random) => string | Uint8Array<ArrayBuffer>];
const MUTATIONS: readonly Mutation[] = [
  ['strange value', (valid, random) => text(replaced(valid, random, pick(STRANGE, random)))],
  [
    'two strange values',
    (valid, random) => text(replaced(replaced(valid, random, pick(STRANGE, random)), random, pick(STRANGE, random))),
  ],
  [
    'unknown field',
    (valid, random) =>
      text({ ...valid, [pick(['foo', 'constructor', 'Stream', 'hasOwnProperty', ''], random)]: pick(STRANGE, random) }),
  ],
  ['prototype', (valid) => text(valid).replace('{', '{"__proto__":{"model":"x"},')],
  ['missing field', (valid, random) => text(without(valid, pick(Object.keys(valid), random)))],
  [
    'field twice',
    (valid, random) =>
      `${text(valid).slice(0, -1)},${JSON.stringify(pick(Object.keys(valid), random))}:${text(pick(STRANGE, random))}}`,
  ],
  ['truncated', (valid, random) => text(valid).slice(0, Math.floor(random() * text(valid).length))],
  ['drawn out', (valid, random) => text(valid) + pick(['}', ' x', ',', '{}', '\u0000'], random)],
  ['bytes changed', (valid, random) => damaged(text(valid), random)],
  ['not an object', (_, random) => text(pick(STRANGE, random))],
  ['byte order mark', (valid) => `\ufeff${text(valid)}`],
];

/** `count` bodies; the same generator gives the same ones. @param valid the bodies to damage, by their URL */
export function* malformedBodies(
  valid: Readonly<Record<string, Json>>,
  count: number,
  random: Random,
): Generator<MalformedBody> {
  const paths = Object.keys(valid);
  for (let i = 0; i < count; i++) {
    const path = paths[i % paths.length]!;
    const [how, change] = pick(MUTATIONS, random);
    const body = change(valid[path]!, random);
    yield { path, how, body: typeof body === 'string' ? new TextEncoder().encode(body) : body };
  }
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

/** With another value for one of the fields, at whatever depth. */
function replaced(value: Json, random: Random, by: unknown): Json {
  const key = pick(Object.keys(value), random);
  const old = value[key];
  if (
    random() < 0.5 &&
    typeof old === 'object' &&
    old !== null &&
    !(old instanceof Raw) &&
    Object.keys(old).length > 0
  ) {
    const inner = replaced(old as Json, random, by);
    return { ...value, [key]: Array.isArray(old) ? Object.values(inner) : inner };
  }
  return { ...value, [key]: by };
}

function without(value: Json, key: string): Json {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

function damaged(json: string, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(json);
  for (let i = 0; i < 3; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

/** JSON, with `Raw` as it is. */
function text(value: unknown): string {
  if (value instanceof Raw) return value.json;
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${text(item)}`)
    .join(',')}}`;
}
