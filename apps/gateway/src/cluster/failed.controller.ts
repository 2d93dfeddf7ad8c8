import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { parseFailed, subjects } from '@sliceway/protocol';
import { identity } from '@sliceway/service';
import { RequestTable } from '../requests/request-table.js';

/** Workers that give an attempt up. */
@Controller()
export class FailedController {
  constructor(private readonly table: RequestTable) {}

  @EventPattern(subjects.failed(identity.instance))
  onFailed(@Payload() message: unknown): void {
    this.table.onFailed(parseFailed(message));
  }
}
