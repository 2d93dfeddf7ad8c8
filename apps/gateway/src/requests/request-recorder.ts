import type { IncomingHttpHeaders } from 'node:http';
import {
  AttributeName,
  EventName,
  LinkKind,
  now,
  recordCarrier,
  SliceName,
  startRequest,
  type RequestTrace,
} from '@sliceway/tracing';
import type { Usage } from '../openai/completion-sink.js';
import type { Route } from '../routing/router.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import type { GenerationRequest } from './generation-request.js';
import { RequestEnd, type RequestObserver } from './request-observer.js';

const MS_NS = 1e6;

export interface RecorderOptions {
  readonly rid: string;
  readonly room: string;
  /** Of the HTTP request: an outer trace's `traceparent` may be among them. */
  readonly headers: IncomingHttpHeaders;
  readonly metrics: GatewayMetrics;
  /** When the HTTP request came, as `now()` gives it. */
  readonly receivedTs: number;
}

/** Makes slices and metrics of a request's stations. Its slices tile: each begins where the one before it ends. */
export class RequestRecorder implements RequestObserver {
  readonly rid: string;
  readonly room: string;
  readonly trace: RequestTrace;
  readonly #metrics: GatewayMetrics;
  readonly #receivedTs: number;
  readonly #lastTokenTs = new Map<number, number>();
  #slice: SliceName = SliceName.receive;
  #hasToken = false;

  constructor({ rid, room, headers, metrics, receivedTs }: RecorderOptions) {
    this.rid = rid;
    this.room = room;
    this.#metrics = metrics;
    this.#receivedTs = receivedTs;
    this.trace = startRequest({
      rid,
      bootstrapRoom: room,
      role: 'gateway',
      parent: recordCarrier(headers),
      ts: receivedTs,
    });
    this.trace.sliceStart(this.#slice, { ts: receivedTs });
  }

  /** The body is read and understood. @param operation `gen_ai.operation.name` */
  received(operation: string, { model, choices, sampling, maxTokens }: GenerationRequest): void {
    this.trace.setRequestAttributes({
      [AttributeName.operationName]: operation,
      [AttributeName.requestModel]: model,
      [AttributeName.temperature]: sampling.temperature,
      [AttributeName.topP]: sampling.topP,
      [AttributeName.topK]: sampling.topK,
      [AttributeName.seed]: sampling.seed,
      [AttributeName.choiceCount]: choices,
      ...(maxTokens === null ? {} : { [AttributeName.maxTokens]: maxTokens }),
    });
    this.#next(SliceName.admission);
  }

  /** It was not accepted. */
  refused(code: string | null): void {
    this.trace.sliceEnd(this.#slice, { threadFinish: true });
    this.trace.abort(code ?? 'refused');
    this.#metrics.refused(code);
  }

  admitted(): void {
    this.#next(SliceName.tokenizeWait);
  }

  tokenized(promptTokens: number): void {
    this.trace.setRequestAttributes({ [AttributeName.inputTokens]: promptTokens });
    this.#next(SliceName.route);
  }

  routed({ prefill, decode, candidates }: Route): void {
    this.trace.event(EventName.candidates, {
      prefill: prefill.instance,
      decode: decode.instance,
      candidates: candidates.map(({ role, instance }) => `${role} ${instance}`),
      scores: candidates.map(({ score }) => score),
    });
    this.#next(SliceName.dispatch);
  }

  dispatched(): void {
    this.#next(SliceName.firstTokenWait);
  }

  tokens(choice: number, count: number): void {
    const ts = now();
    const lastTs = this.#lastTokenTs.get(choice);
    if (lastTs !== undefined) {
      this.#metrics.interToken((ts - lastTs) / count / MS_NS, count);
    } else if (this.#slice === SliceName.firstTokenWait) {
      if (!this.#hasToken) this.#metrics.firstToken((ts - this.#receivedTs) / MS_NS);
      this.#hasToken = true;
      this.#next(SliceName.stream, ts);
    }
    this.#lastTokenTs.set(choice, ts);
  }

  retried(attempt: number, code: string | null): void {
    this.trace.event(LinkKind.retryOf, { [AttributeName.attempt]: attempt - 1, code: code ?? 'none' });
    this.trace.setRequestAttributes({ [AttributeName.attempt]: attempt });
    this.#metrics.retried(code);
    this.#lastTokenTs.clear();
    this.#next(SliceName.tokenizeWait);
  }

  ended(end: RequestEnd, { promptTokens, completionTokens }: Usage, reason: string | null): void {
    const ts = now();
    this.trace.setRequestAttributes({ [AttributeName.outputTokens]: completionTokens });
    this.trace.sliceEnd(this.#slice, { ts, threadFinish: true });
    if (end === RequestEnd.finished) this.trace.finish({ ts });
    else this.trace.abort(reason ?? end, { ts });
    this.#metrics.ended(end, reason, (ts - this.#receivedTs) / MS_NS, promptTokens, completionTokens);
  }

  #next(slice: SliceName, ts = now()): void {
    this.trace.sliceEnd(this.#slice, { ts });
    this.trace.sliceStart(slice, { ts });
    this.#slice = slice;
  }
}
