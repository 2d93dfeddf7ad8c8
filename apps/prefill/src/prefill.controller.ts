import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseBootstrap, parsePrefillLeg, subjects } from '@sliceway/protocol';
import { identity, NatsKvTransport, processMessage } from '@sliceway/service';
import { AttributeName, now, requestTrace, resumeRequest, SliceName } from '@sliceway/tracing';
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
    if (!this.legs.takes(leg)) return;
    const trace = resumeRequest(context.getHeaders(), { rid: leg.rid, role: 'prefill', bootstrapRoom: leg.room, ts });
    trace.setRequestAttributes({ [AttributeName.attempt]: leg.attempt });
    trace.sliceStart(SliceName.prefillPrepare, { ts });
    processMessage(trace, context, () => this.legs.accept(leg, trace), ts);
  }

  @EventPattern<string>(subjects.bootstrap(identity.instance))
  onBootstrap(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const bootstrap = parseBootstrap(message);
    processMessage(requestTrace(bootstrap.rid), context, () => this.transport.accept(bootstrap));
  }

  @EventPattern<string>(subjects.abort('prefill', identity.instance))
  onAbort(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const abort = parseAbort(message);
    processMessage(requestTrace(abort.rid), context, () => this.legs.abort(abort));
  }
}
