import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseAbort, parseEncodeRequest, subjects, type EncodeReply, type EncodeRequest } from '@sliceway/protocol';
import { identity, processMessage } from '@sliceway/service';
import {
  AttributeName,
  NULL_TRACE,
  now,
  registerThread,
  requestTrace,
  resumeRequest,
  SliceName,
  TraceLevel,
  type RequestTrace,
  type TraceThread,
} from '@sliceway/tracing';
import { EncodeError } from './encoding/encode-error.js';
import { Encoder } from './encoding/encoder.js';
import type { EncodedPrompt } from './encoding/prompt-encoder.js';
import type { OpenRequest } from './output/open-request.js';
import { OpenRequests } from './output/open-requests.js';
import { TokenizerMetrics } from './tokenizer-metrics.js';

let encoderThread: TraceThread | undefined;

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
    // A late one is refused; the trace of the newer attempt stays where its rid leads to.
    if (this.requests.isPast(request)) return this.#answer(request, NULL_TRACE);
    const thread = this.encoder.isThreaded(request.prompt) ? { thread: encoder() } : {};
    const trace = resumeRequest(context.getHeaders(), { rid: request.rid, role: 'tokenizer', ts, ...thread });
    trace.setRequestAttributes({ [AttributeName.attempt]: request.attempt });
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
      const open = this.requests.open(request, trace);
      const { ids, text } = await this.#encode(request, trace, open);
      return { rid, promptIds: ids, text };
    } catch (error) {
      const { code, message } = error as Partial<EncodeError> & Error;
      const reason = code ?? message;
      this.requests.discard(request, reason);
      trace.abort(reason);
      if (!(error instanceof EncodeError)) throw error;
      this.metrics.refused(error.code);
      return { rid, error: { code: error.code, message } };
    }
  }

  /** `tokenize` is where the prompt is encoded, what comes after it here. */
  async #encode(
    { prompt, withText, deadlineMs }: EncodeRequest,
    trace: RequestTrace,
    open: OpenRequest,
  ): Promise<EncodedPrompt> {
    const startedMs = performance.now();
    const encoded = await this.encoder.encode(prompt, { withText, deadlineMs });
    const { ids, templateTs } = encoded;
    if (templateTs) trace.slice(SliceName.chatTemplate, ...templateTs);
    const ts = now();
    const threadFinish = this.encoder.isThreaded(prompt);
    trace.sliceEnd(SliceName.tokenize, { ts, attributes: { [AttributeName.tokens]: ids.length }, threadFinish });
    const here = threadFinish ? visitOf(trace, ts) : trace;
    open.encodedOn = here;
    here.sliceStart(SliceName.apiServerDispatch, { ts });
    this.metrics.encoded(performance.now() - startedMs, ids.length);
    here.sliceEnd(SliceName.apiServerDispatch, { threadFinish: true });
    return encoded;
  }
}

/** Of long prompts; this event loop was registered before. */
const encoder = (): TraceThread => (encoderThread ??= registerThread({ label: 'encoder' }));

/** To this event loop. Where its only slice is not recorded, there is no visit either. */
function visitOf(trace: RequestTrace, ts: number): RequestTrace {
  return trace.level >= TraceLevel.normal ? trace.visit({ ts }) : NULL_TRACE;
}
