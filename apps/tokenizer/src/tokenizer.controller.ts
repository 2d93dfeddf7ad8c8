import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { ChatTemplateError } from '@sliceway/model';
import {
  FailureCode,
  parseAbort,
  parseEncodeRequest,
  ProtocolError,
  subjects,
  type EncodeReply,
} from '@sliceway/protocol';
import { identity } from '@sliceway/service';
import { resumeRequest, SliceName } from '@sliceway/tracing';
import { OpenRequests } from './open-requests.js';
import { PromptEncoder, PromptError } from './prompt-encoder.js';

@Controller()
export class TokenizerController {
  constructor(
    private readonly encoder: PromptEncoder,
    private readonly requests: OpenRequests,
  ) {}

  /** Encodes a prompt and expects its tokens from now on. A prompt that cannot be encoded is an error in the reply. */
  @MessagePattern(subjects.encode(identity.instance))
  encode(@Payload() message: unknown, @Ctx() context: NatsContext): EncodeReply {
    const request = parseEncodeRequest(message);
    const { rid } = request;
    if (this.requests.isFull)
      return { rid, error: { code: FailureCode.queueFull, message: 'too many requests are open' } };
    const trace = resumeRequest(context.getHeaders(), { rid, role: 'tokenizer' });
    trace.sliceStart(SliceName.tokenize);
    try {
      const promptIds = this.encoder.encode(request.prompt);
      this.requests.open(request, trace);
      trace.sliceEnd(SliceName.tokenize, { threadFinish: true });
      return { rid, promptIds };
    } catch (error) {
      if (!(error instanceof PromptError || error instanceof ChatTemplateError || error instanceof ProtocolError))
        throw error;
      trace.abort(error.message);
      return { rid, error: { code: error.code, message: error.message } };
    }
  }

  @EventPattern(subjects.abort('tokenizer', identity.instance))
  onAbort(@Payload() message: unknown): void {
    this.requests.abort(parseAbort(message));
  }
}
