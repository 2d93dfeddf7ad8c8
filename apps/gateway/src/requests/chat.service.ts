import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AbortReason } from '@sliceway/protocol';
import { CONFIG } from '@sliceway/service';
import type { Request, Response } from 'express';
import type { GatewayConfig } from '../gateway.config.js';
import { arrivalOf } from '../http/arrival.js';
import { JsonSink } from '../http/json-sink.js';
import { SseSink } from '../http/sse-sink.js';
import { parseChatRequest, type ChatRequest } from '../openai/chat-request.js';
import type { CompletionHead } from '../openai/completion-head.js';
import type { CompletionSink } from '../openai/completion-sink.js';
import { Router } from '../routing/router.js';
import { Admission } from './admission.js';
import { CLUSTER_PORT, type ClusterPort } from './cluster-port.js';
import { toApiError } from './failure-errors.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { RequestLifecycle } from './request-lifecycle.js';
import { RequestRecorder } from './request-recorder.js';
import { RequestTable } from './request-table.js';

/** Takes a chat request from its HTTP body to a running life cycle. */
@Injectable()
export class ChatService {
  constructor(
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(CLUSTER_PORT) private readonly cluster: ClusterPort,
    private readonly router: Router,
    private readonly admission: Admission,
    private readonly table: RequestTable,
    private readonly metrics: GatewayMetrics,
  ) {}

  /** Answers by itself once the request is accepted. @throws ApiError while it is not */
  complete(request: Request, response: Response): void {
    const { rid, receivedTs } = arrivalOf(response);
    const room = randomBytes(8).toString('hex');
    const recorder = new RequestRecorder({ rid, room, headers: request.headers, metrics: this.metrics, receivedTs });
    try {
      const chat = parseChatRequest(request.body);
      recorder.received(chat);
      this.admission.enter();
      this.#start(rid, room, chat, recorder, response);
    } catch (error) {
      const refusal = toApiError(error);
      recorder.refused(refusal.code);
      throw refusal;
    }
  }

  #start(rid: string, room: string, chat: ChatRequest, recorder: RequestRecorder, response: Response): void {
    const lifecycle = new RequestLifecycle(
      {
        rid,
        room,
        chat,
        sink: this.#sink(rid, chat, response),
        observer: recorder,
        cluster: this.cluster,
        router: this.router,
        limits: {
          timeoutMs: this.config.SLICEWAY_REQUEST_TIMEOUT_MS,
          stallTimeoutMs: this.config.SLICEWAY_STALL_TIMEOUT_MS,
        },
      },
      () => {
        this.table.remove(rid);
        this.admission.leave();
      },
    );
    this.table.add(lifecycle);
    // Comes after a whole answer too, when there is nothing left to abort.
    response.once('close', () => lifecycle.abort(AbortReason.clientDisconnected));
    void lifecycle.start();
  }

  #sink(rid: string, chat: ChatRequest, response: Response): CompletionSink {
    const head: CompletionHead = { rid, createdAtSeconds: Math.floor(Date.now() / 1000), model: chat.model };
    if (!chat.stream) return new JsonSink(response, head, chat.choices);
    const maxBufferedBytes = this.config.SLICEWAY_MAX_CLIENT_BUFFER_BYTES;
    return new SseSink(response, { head, includeUsage: chat.includeUsage, maxBufferedBytes });
  }
}
