import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseFailed, subjects } from '@sliceway/protocol';
import { identity, processMessage } from '@sliceway/service';
import { requestTrace } from '@sliceway/tracing';
import { RequestTable } from '../requests/request-table.js';

/** Workers that give an attempt up. */
@Controller()
export class FailedController {
  constructor(private readonly table: RequestTable) {}

  @EventPattern<string>(subjects.failed(identity.instance))
  onFailed(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const failed = parseFailed(message);
    processMessage(requestTrace(failed.rid), context, () => this.table.onFailed(failed));
  }
}
