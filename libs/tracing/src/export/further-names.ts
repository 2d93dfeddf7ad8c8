import type { RingReader } from '../recording/ring-reader.js';
import type { TraceAttributes } from '../request-trace.js';

/** What some attributes are called, too, by their own name. */
export type AttributeNames = Readonly<Partial<Record<string, string>>>;

/** The same attributes, each followed by itself under its further name. */
export function withFurtherNames(attributes: TraceAttributes, names: AttributeNames): TraceAttributes {
  const further: Record<string, TraceAttributes[string]> = {};
  for (const key in attributes) {
    further[key] = attributes[key]!;
    const name = Object.hasOwn(names, key) ? names[key] : undefined;
    if (name !== undefined) further[name] = attributes[key]!;
  }
  return further;
}

/** Further names of the attributes of records, encoded ahead. */
export class FurtherNames {
  readonly #utf8: ReadonlyMap<string, Uint8Array>;

  constructor(names: AttributeNames) {
    this.#utf8 = new Map(Object.entries(names).map(([key, name]) => [key, Buffer.from(name!)]));
  }

  /**
   * @param id of the attribute's own name, negative where it is spelled out
   * @param word where it is spelled out then
   */
  of(ring: RingReader, id: number, word: number): Uint8Array | undefined {
    return this.#utf8.get(id < 0 ? ring.textAt(word) : ring.nameOf(id));
  }
}
