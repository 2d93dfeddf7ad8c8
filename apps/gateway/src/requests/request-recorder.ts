import type { Logger } from '@sliceway/service';
import {
  AttributeName,
  EventName,
  now,
  SliceName,
  startRequest,
  TraceLevel,
  type ContextCarrier,
  type RequestTrace,
} from '@sliceway/tracing';
import { Stages } from '@sliceway/tracing/engine';
import type { WriteListener } from '../openai/answer.js';
import type { ChoiceEnd, Usage } from '../openai/completion-sink.js';
import type { Route } from '../routing/router.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import type { GenerationRequest } from './generation-request.js';
import { RequestLog } from './request-log.js';
import { RequestEnd, type AttemptId, type RequestObserver } from './request-observer.js';

const MS_NS = 1e6;
/** Why a trace is one of an error whose request was served: its connection was closed before all of the answer had left. */
const NOT_SENT = 'connection_closed';

export interface RecorderOptions {
  readonly rid: string;
  readonly room: string;
  /** What the trace hangs on, if anything. */
  readonly parent: ContextCarrier | undefined;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  /** When the HTTP request came, as `now()` gives it. */
  readonly receivedTs: number;
  /** Calls when what was written to the client has left, or, with `false`, the rest of it is lost. */
  readonly whenSent: (then: (isSent: boolean) => void) => void;
}

/** Makes slices and metrics of a request's stations. Its slices tile: each begins where the one before it ends. */
export class RequestRecorder implements RequestObserver {
  readonly rid: string;
  readonly room: string;
  readonly trace: RequestTrace;
  /** Null where its writes are not recorded. */
  readonly onWrite: WriteListener | null;
  readonly #metrics: GatewayMetrics;
  readonly #log: RequestLog;
  readonly #receivedTs: number;
  readonly #whenSent: RecorderOptions['whenSent'];
  readonly #lastTokenTs = new Map<number, number>();
  /** Between two tokens of a choice, and how many of them. */
  #intervalsNs = 0;
  #intervals = 0;
  #stages: Stages;
  #finishReasons: ChoiceEnd[] = [];
  #ttftMs: number | null = null;
  /** When the last text came. */
  #textTs = 0;

  constructor({ rid, room, parent, metrics, logger, receivedTs, whenSent }: RecorderOptions) {
    this.rid = rid;
    this.room = room;
    this.#metrics = metrics;
    this.#receivedTs = receivedTs;
    this.#whenSent = whenSent;
    this.trace = startRequest({
      rid,
      bootstrapRoom: room,
      role: 'gateway',
      parent,
      ts: receivedTs,
    });
    this.trace.setRequestAttributes({ [AttributeName.attempt]: 0 });
    this.#log = new RequestLog(logger, rid, this.trace);
    this.#stages = this.#begin(SliceName.receive, receivedTs);
    this.onWrite = this.trace.level === TraceLevel.all ? (startTs) => this.#written(startTs) : null;
  }

  /** The body is read and understood. @param operation `gen_ai.operation.name` */
  received(operation: string, { model, choices, sampling, seed, maxTokens }: GenerationRequest): void {
    this.trace.setRequestAttributes({
      [AttributeName.operationName]: operation,
      [AttributeName.providerName]: 'sliceway',
      [AttributeName.requestModel]: model,
      [AttributeName.temperature]: sampling.temperature,
      [AttributeName.topP]: sampling.topP,
      [AttributeName.topK]: sampling.topK,
      ...(seed === null ? {} : { [AttributeName.seed]: seed }),
      ...(choices === 1 ? {} : { [AttributeName.choiceCount]: choices }),
      ...(maxTokens === null ? {} : { [AttributeName.maxTokens]: maxTokens }),
    });
    this.#stages.next(SliceName.admission, now());
  }

  /** It was not accepted. */
  refused(code: string | null): void {
    this.trace.abort(code ?? 'refused');
  }

  admitted(): void {
    const ts = now();
    this.#metrics.admitted((ts - this.#receivedTs) / MS_NS, this.trace);
    this.#stages.next(SliceName.tokenizeWait, ts);
  }

  tokenized(promptTokens: number): void {
    this.trace.setRequestAttributes({ [AttributeName.inputTokens]: promptTokens });
    this.#stages.next(SliceName.route, now());
  }

  routed({ prefill, decode, candidates }: Route): void {
    this.trace.event(EventName.candidates, {
      prefill: prefill.instance,
      decode: decode.instance,
      candidates: candidates.map(({ role, instance }) => `${role} ${instance}`),
      scores: candidates.map(({ score }) => score),
    });
    this.trace.setRequestAttributes({ [AttributeName.responseModel]: prefill.serves.model });
    this.#stages.next(SliceName.dispatch, now());
  }

  dispatched(): void {
    this.#stages.next(SliceName.firstTokenWait, now());
  }

  tokens(choice: number, count: number): void {
    const ts = now();
    this.#textTs = ts;
    const lastTs = this.#lastTokenTs.get(choice);
    if (lastTs !== undefined) {
      this.#metrics.interToken((ts - lastTs) / count / MS_NS, count, this.trace);
      this.#intervalsNs += ts - lastTs;
      this.#intervals += count;
    } else if (this.#stages.current === SliceName.firstTokenWait) {
      if (this.#ttftMs === null) {
        this.#ttftMs = (ts - this.#receivedTs) / MS_NS;
        this.#metrics.firstToken(this.#ttftMs, this.trace);
      }
      this.#stages.next(SliceName.stream, ts);
    }
    this.#lastTokenTs.set(choice, ts);
  }

  choiceEnded(choice: number, end: ChoiceEnd): void {
    this.#finishReasons[choice] = end;
  }

  retried({ number, room }: AttemptId, code: string | null): void {
    const ts = now();
    this.trace.retry({ bootstrapRoom: room, reason: code ?? 'retried', ts });
    this.trace.setRequestAttributes({ [AttributeName.attempt]: number });
    this.#metrics.retried(code);
    this.#log.retried(number, code);
    this.#lastTokenTs.clear();
    this.#finishReasons = [];
    this.#intervalsNs = this.#intervals = 0;
    this.#stages = this.#begin(SliceName.tokenizeWait, ts);
  }

  ended(end: RequestEnd, usage: Usage, reason: string | null): void {
    const ts = now();
    const finishReasons = this.#finishReasons.filter((reason) => reason !== undefined);
    this.trace.setRequestAttributes({
      [AttributeName.outputTokens]: usage.completionTokens,
      ...(finishReasons.length === 0 ? {} : { [AttributeName.finishReasons]: finishReasons }),
    });
    if (this.#stages.current === SliceName.stream) this.trace.event(EventName.lastText, {}, { ts: this.#textTs });
    this.#metrics.ended(end, reason, usage);
    const durationMs = (ts - this.#receivedTs) / MS_NS;
    this.#metrics.took(durationMs, this.trace);
    this.#log.ended({ end, code: reason, usage, durationMs, ttftMs: this.#ttftMs });
    if (this.#intervals > 0) this.#metrics.perToken(this.#intervalsNs / this.#intervals / MS_NS, this.trace);
    if (this.trace.level === TraceLevel.off) this.#close(end, reason, true);
    else this.#whenSent((isSent) => this.#close(end, reason, isSent));
  }

  /** What was written has left: the trace ends later than what is counted. */
  #close(end: RequestEnd, reason: string | null, isSent: boolean): void {
    const ts = now();
    if (end !== RequestEnd.finished) return this.trace.abort(reason ?? end, { ts });
    if (!isSent) return this.trace.abort(NOT_SENT, { ts });
    this.#stages.end(ts);
    this.trace.finish({ ts });
  }

  #written(startTs: number): void {
    if (this.#stages.current === SliceName.stream) this.trace.slice(SliceName.socketWrite, startTs, now());
  }

  #begin(slice: SliceName, ts: number): Stages {
    this.trace.sliceStart(slice, { ts });
    return new Stages(this.trace, slice);
  }
}
