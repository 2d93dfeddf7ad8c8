const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token as OpenAI writes it: its text, or `bytes:\xe2\x80` where it is part of a character. */
export function tokenText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    let text = 'bytes:';
    for (const byte of bytes) text += `\\x${byte.toString(16).padStart(2, '0')}`;
    return text;
  }
}

/** JSON has no -Infinity; OpenAI and vLLM write this for what cannot come. */
const NEVER = -9999;
export const finiteLogprob = (logprob: number): number => Math.max(logprob, NEVER);
