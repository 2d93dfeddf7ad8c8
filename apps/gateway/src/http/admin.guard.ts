import { BlockList, isIPv6 } from 'node:net';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CONFIG } from '@sliceway/service';
import type { Request } from 'express';
import { adminToken, type GatewayConfig } from '../gateway.config.js';
import { ApiError } from '../openai/api-error.js';
import { BearerTokens } from './bearer-tokens.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Lets operators in: by the admin token or, where there is none, because nobody but this host can reach the gateway. */
@Injectable()
export class AdminGuard implements CanActivate {
  readonly #tokens: BearerTokens | null;
  readonly #isLocal: boolean;

  constructor(@Inject(CONFIG) config: GatewayConfig) {
    const token = adminToken(config);
    this.#tokens = token === null ? null : new BearerTokens([token]);
    this.#isLocal = isLoopback(config.HOST);
  }

  canActivate(context: ExecutionContext): true {
    const { headers } = context.switchToHttp().getRequest<Request>();
    if (this.#tokens !== null) {
      if (this.#tokens.accepts(headers.authorization)) return true;
      throw new ApiError(401, 'Set the header "Authorization: Bearer <SLICEWAY_ADMIN_TOKEN>".', {
        code: 'invalid_admin_token',
      });
    }
    if (this.#isLocal) {
      if (!isOfAnotherSite(headers['sec-fetch-site'])) return true;
      throw new ApiError(403, 'Pages of other sites may not do this.', { code: 'cross_site_request' });
    }
    throw new ApiError(
      403,
      'This gateway listens to more than its own host: set SLICEWAY_ADMIN_TOKEN or SLICEWAY_ADMIN_TOKEN_FILE to use it.',
      { code: 'admin_token_not_set' },
    );
  }
}

/** A browser's word that a page of another origin asks: that of an image needs no leave of CORS. Programs say nothing. */
function isOfAnotherSite(fetchSite: string | string[] | undefined): boolean {
  return fetchSite === 'cross-site' || fetchSite === 'same-site';
}

/** Only what is so on every machine: other names are for its resolver to say. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
