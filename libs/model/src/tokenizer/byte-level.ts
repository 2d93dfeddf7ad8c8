/**
 * GPT-2's alphabet: vocabularies spell each byte as a printable character, itself where it is one and U+0100 onwards for
 * the 68 others, in byte order (`bytes_to_unicode` of openai/gpt-2).
 */
const byteOfCharacter = new Map<string, number>();

for (let byte = 0, others = 0; byte < 256; byte++) {
  const isPrintable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  byteOfCharacter.set(String.fromCharCode(isPrintable ? byte : 0x100 + others++), byte);
}

/** The bytes that a vocabulary entry stands for; characters outside the alphabet stand for their own UTF-8. */
export function bytesOfEntry(entry: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of entry) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) bytes.push(...Buffer.from(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
