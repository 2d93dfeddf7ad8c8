/** A special token as text. */
export interface SpecialToken {
  readonly id: number;
  readonly text: string;
}

interface Node {
  readonly next: Map<number, Node>;
  /** Index in the order of precedence of the token that ends here. */
  rank: number | null;
}

interface Match {
  readonly rank: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Finds special tokens in text with llama.cpp's precedence (`tokenizer_st_partition` in src/llama-vocab.cpp): the longest
 * token (in UTF-8) takes all its places first, from left to right, then the next one takes what is left.
 */
export class SpecialTokens {
  readonly #tokens: readonly SpecialToken[];
  readonly #root: Node = { next: new Map(), rank: null };
  /** 1 for each UTF-16 unit that begins a token. */
  readonly #starts = new Uint8Array(0x10000);

  constructor(tokens: readonly SpecialToken[]) {
    const byteLengths = new Map(tokens.map(({ id, text }) => [id, Buffer.byteLength(text)]));
    this.#tokens = tokens.toSorted((a, b) => byteLengths.get(b.id)! - byteLengths.get(a.id)!);
    this.#tokens.forEach(({ text }, rank) => this.#insert(text, rank));
  }

  /** Cuts a text into ordinary parts (strings, never empty) and special tokens (ids). */
  split(text: string): (string | number)[] {
    const matches = withoutOverlaps(this.#findAll(text), text.length);
    if (matches.length === 0) return text === '' ? [] : [text];
    const parts: (string | number)[] = [];
    let end = 0;
    for (const match of matches) {
      if (match.start > end) parts.push(text.slice(end, match.start));
      parts.push(this.#tokens[match.rank]!.id);
      end = match.end;
    }
    if (end < text.length) parts.push(text.slice(end));
    return parts;
  }

  #insert(text: string, rank: number): void {
    let node = this.#root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let next = node.next.get(unit);
      if (!next) node.next.set(unit, (next = { next: new Map(), rank: null }));
      node = next;
    }
    node.rank ??= rank;
    this.#starts[text.charCodeAt(0)] = 1;
  }

  /** All occurrences, overlapping ones too, by start. */
  #findAll(text: string): Match[] {
    const matches: Match[] = [];
    for (let start = 0; start < text.length; start++) {
      if (this.#starts[text.charCodeAt(start)] === 0) continue;
      let node: Node | undefined = this.#root;
      for (let i = start; i < text.length; i++) {
        node = node.next.get(text.charCodeAt(i));
        if (!node) break;
        if (node.rank !== null) matches.push({ rank: node.rank, start, end: i + 1 });
      }
    }
    return matches;
  }
}

/** The matches that remain when better ranks, then earlier starts, take their places first; by start. */
function withoutOverlaps(matches: Match[], length: number): Match[] {
  if (matches.every(({ start }, i) => i === 0 || start >= matches[i - 1]!.end)) return matches;
  const taken = new Uint8Array(length);
  return matches
    .sort((a, b) => a.rank - b.rank || a.start - b.start)
    .filter(({ start, end }) => {
      // What is taken already is not shorter, so that it covers an end of whatever it overlaps.
      if (taken[start] === 1 || taken[end - 1] === 1) return false;
      taken.fill(1, start, end);
      return true;
    })
    .sort((a, b) => a.start - b.start);
}
