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
    if (this.#tokens !== null) {
      if (this.#tokens.accepts(context.switchToHttp().getRequest<Request>().headers.authorization)) return true;
      throw new ApiError(401, 'Set the header "Authorization: Bearer <SLICEWAY_ADMIN_TOKEN>".', {
        code: 'invalid_admin_token',
      });
    }
    if (this.#isLocal) return true;
    throw new ApiError(
      403,
      'This gateway listens to more than its own host: set SLICEWAY_ADMIN_TOKEN or SLICEWAY_ADMIN_TOKEN_FILE to use it.',
      { code: 'admin_token_not_set' },
    );
  }
}

/** Only what is so on every machine: other names are for its resolver to say. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
