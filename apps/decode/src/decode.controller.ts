import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseDecodeLeg, subjects } from '@sliceway/protocol';
import { identity } from '@sliceway/service';
import { resumeRequest } from '@sliceway/tracing';
import { DecodeLegs } from './decode-legs.js';

@Controller()
export class DecodeController {
  constructor(private readonly legs: DecodeLegs) {}

  @EventPattern<string>(subjects.leg('decode', identity.instance))
  onLeg(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const leg = parseDecodeLeg(message);
    this.legs.accept(
      leg,
      resumeRequest(context.getHeaders(), { rid: leg.rid, role: 'decode', bootstrapRoom: leg.room }),
    );
  }

  @EventPattern(subjects.abort('decode', identity.instance))
  onAbort(@Payload() message: unknown): void {
    this.legs.abort(parseAbort(message));
  }
}
