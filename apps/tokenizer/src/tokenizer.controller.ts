import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseEncodeRequest, subjects, type EncodeReply, type EncodeRequest } from '@sliceway/protocol';
import { identity, processMessage } from '@sliceway/service';
import { AttributeName, now, requestTrace, resumeRequest, SliceName, type RequestTrace } from '@sliceway/tracing';
import { EncodeError } from './encoding/encode-error.js';
import { Encoder } from './encoding/encoder.js';
import type { EncodedPrompt } from './encoding/prompt-encoder.js';
import { OpenRequests } from './output/open-requests.js';
import { TokenizerMetrics } from './tokenizer-metrics.js';

@Controller()
export class TokenizerController {
  constructor(
    private readonly encoder: Encoder,
    private readonly requests: OpenRequests,
    private readonly metrics: TokenizerMetrics,
  ) {}

  /** Encodes a prompt and expects its tokens from now on. A prompt that is refused is an error in the reply. */
  @MessagePattern(subjects.encode(identity.instance))
  encode(@Payload() message: unknown, @Ctx() context: NatsContext): Promise<EncodeReply> {
    const ts = now();
    const request = parseEncodeRequest(message);
    const trace = resumeRequest(context.getHeaders(), { rid: request.rid, role: 'tokenizer', ts });
    trace.sliceStart(SliceName.tokenize, { ts });
    return processMessage(trace, context, () => this.#answer(request, trace), ts);
  }

  @EventPattern<string>(subjects.abort('tokenizer', identity.instance))
  onAbort(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const abort = parseAbort(message);
    processMessage(requestTrace(abort.rid), context, () => this.requests.abort(abort));
  }

  async #answer(request: EncodeRequest, trace: RequestTrace): Promise<EncodeReply> {
    const { rid } = request;
    try {
      this.requests.open(request, trace);
      const { ids, text } = await this.#encode(request, trace);
      return { rid, promptIds: ids, text };
    } catch (error) {
      const { code, message: reason } = error as Partial<EncodeError> & Error;
      this.requests.discard(request, reason);
      trace.abort(code ?? reason);
      if (!(error instanceof EncodeError)) throw error;
      this.metrics.refused(error.code);
      return { rid, error: { code: error.code, message: reason } };
    }
  }

  async #encode({ prompt, withText, deadlineMs }: EncodeRequest, trace: RequestTrace): Promise<EncodedPrompt> {
    const startedMs = performance.now();
    const encoded = await this.encoder.encode(prompt, { withText, deadlineMs });
    const { ids, templateTs } = encoded;
    if (templateTs) trace.slice(SliceName.chatTemplate, ...templateTs);
    const ts = now();
    trace.sliceEnd(SliceName.tokenize, { ts, attributes: { [AttributeName.tokens]: ids.length } });
    trace.sliceStart(SliceName.apiServerDispatch, { ts });
    this.metrics.encoded(performance.now() - startedMs, ids.length);
    trace.sliceEnd(SliceName.apiServerDispatch, { threadFinish: true });
    return encoded;
  }
}
