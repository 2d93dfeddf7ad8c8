import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseDecodeLeg, subjects } from '@sliceway/protocol';
import { identity, processMessage } from '@sliceway/service';
import { AttributeName, now, requestTrace, resumeRequest, SliceName } from '@sliceway/tracing';
import { DecodeLegs } from './decode-legs.js';

@Controller()
export class DecodeController {
  constructor(private readonly legs: DecodeLegs) {}

  @EventPattern<string>(subjects.leg('decode', identity.instance))
  onLeg(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const ts = now();
    const leg = parseDecodeLeg(message);
    if (!this.legs.takes(leg)) return;
    const trace = resumeRequest(context.getHeaders(), { rid: leg.rid, role: 'decode', bootstrapRoom: leg.room, ts });
    trace.setRequestAttributes({ [AttributeName.attempt]: leg.attempt });
    trace.sliceStart(SliceName.decodePrepare, { ts });
    processMessage(trace, context, () => this.legs.accept(leg, trace), ts);
  }

  @EventPattern<string>(subjects.abort('decode', identity.instance))
  onAbort(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const abort = parseAbort(message);
    processMessage(requestTrace(abort.rid), context, () => this.legs.abort(abort));
  }
}
