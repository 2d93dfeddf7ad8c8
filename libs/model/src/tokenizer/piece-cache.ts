import { BoundedCache } from './bounded-cache.js';

/** Pieces (words) that are remembered: at most 32,768 of up to 64 characters, some megabytes. */
const CACHED_PIECES = 16_384;
const MAX_CACHED_LENGTH = 64;

/** Remembers what was made of short pieces of text. */
export class PieceCache<V> {
  readonly #values = new BoundedCache<V>(CACHED_PIECES);

  constructor(private readonly make: (piece: string) => V) {}

  get(piece: string): V {
    return this.#values.get(piece) ?? this.#make(piece);
  }

  #make(piece: string): V {
    if (piece.length > MAX_CACHED_LENGTH) return this.make(piece);
    // A piece may be a view into the whole text, which must not live as long as the cache: copy it.
    const copy = Buffer.from(piece, 'utf16le').toString('utf16le');
    const value = this.make(copy);
    this.#values.set(copy, value);
    return value;
  }
}

/** Appends the ids of all pieces. */
export function pushPieces(pieces: readonly string[], cache: PieceCache<readonly number[]>, ids: number[]): void {
  for (let i = 0; i < pieces.length; i++) {
    const pieceIds = cache.get(pieces[i]!);
    for (let j = 0; j < pieceIds.length; j++) ids.push(pieceIds[j]!);
  }
}
