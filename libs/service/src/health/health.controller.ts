import { Controller, Get, HttpCode, HttpStatus, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { ROLES } from '@sliceway/protocol';
import { identity } from '../identity.config.js';
import { PeerRegistry } from '../registry/peer-registry.js';
import { ServiceStatus } from '../service-status.js';
import { VERSION } from '../version.js';

interface StatusResponse extends ServerResponse {
  status(code: number): this;
}

@Controller('health')
export class HealthController {
  constructor(
    private readonly status: ServiceStatus,
    private readonly peers: PeerRegistry,
  ) {}

  /** A summary for a person. */
  @Get()
  summary(): object {
    const peers = ROLES.map((role) => [
      role,
      this.peers.list(role, null).map(({ instance, state }) => ({ instance, state })),
    ]);
    return {
      status: this.status.state,
      reasons: this.status.unreadyReasons(),
      role: this.status.role,
      instance: identity.instance,
      version: VERSION,
      backend: this.status.serves?.backend ?? null,
      model: this.status.serves?.model ?? null,
      load: this.status.load(),
      peers: Object.fromEntries(peers),
    };
  }

  /** The process runs and its event loop turns. */
  @Get('live')
  @HttpCode(HttpStatus.OK)
  live(): object {
    return { status: 'alive' };
  }

  /** 200 when it can serve, else 503 with the reasons. */
  @Get('ready')
  ready(@Res({ passthrough: true }) response: StatusResponse): object {
    const reasons = this.status.unreadyReasons();
    const ready = reasons.length === 0;
    response.status(ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    return { status: ready ? 'ready' : 'unready', reasons };
  }
}
