import { createHash, timingSafeEqual } from 'node:crypto';

const SCHEME_LENGTH = 'Bearer '.length;

/** Tokens that a client may show as `Authorization: Bearer <token>`; what is compared tells nothing of them by its time. */
export class BearerTokens {
  readonly #digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  accepts(authorization = ''): boolean {
    const token = /^Bearer /i.test(authorization) ? authorization.slice(SCHEME_LENGTH).trim() : '';
    // Digests have one length, which is what the comparison needs and all that it tells.
    const shown = digest(token);
    let isKnown = false;
    for (const known of this.#digests) if (timingSafeEqual(known, shown)) isKnown = true;
    return isKnown && token !== '';
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
