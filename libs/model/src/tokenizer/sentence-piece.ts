/** How SentencePiece spells a blank: U+2581. */
export const BLANK = '\u2581';

/** Maximal runs of blanks with what follows up to the next blank: no word-wise vocabulary merges across their borders. */
export const WORD_SOURCE = `${BLANK}*[^${BLANK}]+|${BLANK}+`;

/** Whether an entry goes on after a word's end, so that a text cannot be encoded word by word. */
export function crossesWords(entry: string): boolean {
  const firstLetter = entry.search(/[^\u2581]/);
  return firstLetter >= 0 && entry.includes(BLANK, firstLetter);
}

export function bytesOfPiece(entry: string): Uint8Array {
  return Buffer.from(entry.replaceAll(BLANK, ' '));
}

/** The entry of a byte that no other entry covers: `<0x0A>`. */
export function byteEntry(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

const BYTES: ReadonlyMap<string, number> = new Map(Array.from({ length: 256 }, (_, byte) => [byteEntry(byte), byte]));

/** Undefined for other entries. */
export function byteOfEntry(entry: string): number | undefined {
  return BYTES.get(entry);
}
