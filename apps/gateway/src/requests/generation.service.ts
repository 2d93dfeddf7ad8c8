import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AbortReason } from '@sliceway/protocol';
import { CONFIG, LOGGER, type Logger } from '@sliceway/service';
import { ContextHeader } from '@sliceway/tracing';
import type { Request, Response } from 'express';
import type { GatewayConfig } from '../gateway.config.js';
import { arrivalOf } from '../http/arrival.js';
import { whenSent } from '../http/when-sent.js';
import type { Call, ReadCall } from '../openai/answer.js';
import { Router } from '../routing/router.js';
import { Admission, type Ticket } from './admission.js';
import { CLUSTER_PORT, type ClusterPort } from './cluster-port.js';
import { toApiError } from './failure-errors.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { RequestLifecycle } from './request-lifecycle.js';
import { RequestEnd } from './request-observer.js';
import { RequestRecorder } from './request-recorder.js';
import { RequestTable } from './request-table.js';
import { estimateTokens } from './token-estimate.js';

/** Takes an HTTP request from its body to running life cycles: one for each of its prompts, all or none. */
@Injectable()
export class GenerationService {
  constructor(
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(CLUSTER_PORT) private readonly cluster: ClusterPort,
    private readonly router: Router,
    private readonly admission: Admission,
    private readonly table: RequestTable,
    private readonly metrics: GatewayMetrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Answers by itself once the request is accepted. @throws ApiError while it is not */
  run(request: Request, response: Response, readCall: ReadCall): void {
    const { rid, receivedTs, parent } = arrivalOf(response);
    const record = (id: string): RequestRecorder =>
      new RequestRecorder({
        rid: id,
        room: newRoom(),
        parent,
        metrics: this.metrics,
        logger: this.logger,
        receivedTs,
        whenSent: (then) => whenSent(response, then),
      });
    const first = record(rid);
    const recorders = [first];
    const context = new Map<string, string>();
    first.trace.inject(context);
    const traceparent = context.get(ContextHeader.traceparent);
    if (traceparent !== undefined) response.setHeader(ContextHeader.traceparent, traceparent);
    let tickets: readonly Ticket[] = [];
    try {
      const call = readCall();
      first.received(operationOf(request), call.requests[0]!);
      tickets = this.admission.enter(call.requests.map(estimateTokens));
      // The HTTP request's own id is that of its first prompt.
      for (const each of call.requests.slice(1)) {
        const recorder = record(randomBytes(16).toString('hex'));
        recorders.push(recorder);
        recorder.received(operationOf(request), each);
      }
      this.#start(call, tickets, recorders, response);
    } catch (error) {
      for (const ticket of tickets) ticket.leave();
      const refusal = toApiError(error);
      for (const recorder of recorders) recorder.refused(refusal.code);
      this.metrics.refused(refusal.code);
      throw refusal;
    }
  }

  #start(
    { requests, answer }: Call,
    tickets: readonly Ticket[],
    recorders: readonly RequestRecorder[],
    response: Response,
  ): void {
    const limits = {
      timeoutMs: this.config.SLICEWAY_REQUEST_TIMEOUT_MS,
      stallTimeoutMs: this.config.SLICEWAY_STALL_TIMEOUT_MS,
    };
    const { cluster, router } = this;
    const lifecycles = requests.map((request, prompt) => {
      const observer = recorders[prompt]!;
      const { rid, room } = observer;
      const parts = { rid, room, request, observer, cluster, router, limits };
      const lifecycle = new RequestLifecycle(
        { ...parts, sink: answer.sink(prompt, observer.onWrite), ticket: tickets[prompt]! },
        (end, code) => {
          this.table.remove(rid);
          if (end !== RequestEnd.finished) for (const each of lifecycles) each.endWith(end, code);
        },
      );
      return lifecycle;
    });
    for (const lifecycle of lifecycles) this.table.add(lifecycle);
    this.metrics.accepted(lifecycles.length);
    // Comes after a whole answer too, when there is nothing left to abort.
    response.once('close', () => lifecycles.forEach((lifecycle) => lifecycle.abort(AbortReason.clientDisconnected)));
    for (const lifecycle of lifecycles) void lifecycle.start();
  }
}

const newRoom = (): string => randomBytes(8).toString('hex');

/** OpenTelemetry's name for what is asked. */
const operationOf = ({ path }: Request): string => (path.includes('/chat/') ? 'chat' : 'text_completion');
