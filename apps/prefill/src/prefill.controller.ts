import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseBootstrap, parsePrefillLeg, subjects } from '@sliceway/protocol';
import { identity, NatsKvTransport } from '@sliceway/service';
import { now, resumeRequest, SliceName } from '@sliceway/tracing';
import { PrefillLegs } from './prefill-legs.js';

@Controller()
export class PrefillController {
  constructor(
    private readonly legs: PrefillLegs,
    private readonly transport: NatsKvTransport,
  ) {}

  @EventPattern<string>(subjects.leg('prefill', identity.instance))
  onLeg(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const ts = now();
    const leg = parsePrefillLeg(message);
    const trace = resumeRequest(context.getHeaders(), { rid: leg.rid, role: 'prefill', bootstrapRoom: leg.room, ts });
    trace.sliceStart(SliceName.prefillPrepare, { ts });
    this.legs.accept(leg, trace);
  }

  @EventPattern(subjects.bootstrap(identity.instance))
  onBootstrap(@Payload() message: unknown): void {
    this.transport.accept(parseBootstrap(message));
  }

  @EventPattern(subjects.abort('prefill', identity.instance))
  onAbort(@Payload() message: unknown): void {
    this.legs.abort(parseAbort(message));
  }
}
