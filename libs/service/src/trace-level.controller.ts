import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { parseTraceLevelRequest, subjects, type Role, type TraceLevelReply } from '@sliceway/protocol';
import type { TraceLevel, Tracing } from '@sliceway/tracing';
import { identity } from './identity.config.js';
import { ServiceStatus } from './service-status.js';
import { TRACING } from './tokens.js';

/** Sets the level of the traces that begin from now on. */
@Controller()
export class TraceLevelController {
  constructor(
    @Inject(TRACING) private readonly tracing: Tracing,
    private readonly status: ServiceStatus,
  ) {}

  @MessagePattern(subjects.traceLevel)
  onTraceLevel(@Payload() message: unknown): TraceLevelReply {
    this.tracing.setLevel(parseTraceLevelRequest(message).level as TraceLevel);
    return { role: this.status.role as Role, instance: identity.instance, level: this.tracing.level };
  }
}
