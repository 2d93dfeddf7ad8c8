import { FailureCode, WORKER_ROLES } from '@sliceway/protocol';
import {
  E2E_SECONDS,
  ExemplarHistogram,
  ITL_SECONDS,
  queueTimeHistogram,
  TPOT_SECONDS,
  TTFT_SECONDS,
  type Located,
  type MetricsRegistry,
} from '@sliceway/service';
import { Counter, Gauge } from 'prom-client';
import type { Usage } from '../openai/completion-sink.js';
import type { WorkerDirectory } from '../routing/worker-directory.js';
import type { Admission } from './admission.js';
import { RequestEnd } from './request-observer.js';

const SECOND_MS = 1000;
/** The label of what has no error code. */
const NO_CODE = 'none';
/** Refusals that say something of the cluster and not of the request. */
const REFUSALS = ['queue_full', 'not_ready', 'draining'];

/**
 * What the gateway counts. Names are stable; docs list them. A request is one prompt, as in the metrics of vLLM and
 * SGLang: an HTTP request with several prompts counts once for each, a prompt with several choices once.
 */
export class GatewayMetrics {
  readonly #accepted: Counter;
  readonly #ends: Counter<'end' | 'code'>;
  readonly #refusals: Counter<'code'>;
  readonly #promptTokens: Counter;
  readonly #completionTokens: Counter;
  readonly #framesLost: Counter;
  readonly #lateEntries: Counter;
  readonly #retries: Counter<'code'>;
  readonly #queueTime: ExemplarHistogram;
  readonly #firstToken: ExemplarHistogram;
  readonly #interToken: ExemplarHistogram;
  readonly #perToken: ExemplarHistogram;
  readonly #duration: ExemplarHistogram;

  constructor(private readonly registry: MetricsRegistry) {
    const registers = [registry];
    this.#accepted = new Counter({
      name: 'sliceway_accepted_requests_total',
      help: 'Prompts that were accepted; each has one end in sliceway_requests_total sooner or later.',
      registers,
    });
    this.#ends = new Counter({
      name: 'sliceway_requests_total',
      help: 'Accepted prompts by how they ended and, unless they finished, why; each of an HTTP request counts.',
      labelNames: ['end', 'code'],
      registers,
    });
    for (const end of Object.values(RequestEnd)) this.#ends.inc({ end, code: NO_CODE }, 0);
    // Who looks for an increase does not see a series begin at 1.
    for (const code of Object.values(FailureCode)) this.#ends.inc({ end: RequestEnd.failed, code }, 0);
    this.#refusals = new Counter({
      name: 'sliceway_refused_requests_total',
      help: 'HTTP requests that were not accepted, by error code; one with several prompts counts once.',
      labelNames: ['code'],
      registers,
    });
    for (const code of REFUSALS) this.#refusals.inc({ code }, 0);
    this.#promptTokens = new Counter({
      name: 'sliceway_prompt_tokens_total',
      help: 'Prompt tokens of ended requests, whatever the number of choices.',
      registers,
    });
    this.#completionTokens = new Counter({
      name: 'sliceway_completion_tokens_total',
      help: 'Completion tokens of ended requests, of all their choices.',
      registers,
    });
    const histogram = (name: string, help: string, buckets: readonly number[]) =>
      new ExemplarHistogram(registry, name, help, buckets);
    this.#queueTime = queueTimeHistogram(registry);
    this.#firstToken = histogram(
      'sliceway_time_to_first_token_seconds',
      'From the HTTP request to the first token of each of its prompts.',
      TTFT_SECONDS,
    );
    this.#interToken = histogram(
      'sliceway_inter_token_latency_seconds',
      'Between two tokens of a choice.',
      ITL_SECONDS,
    );
    this.#perToken = histogram(
      'sliceway_time_per_output_token_seconds',
      'Mean of the times between two tokens of a choice, of each prompt that has such.',
      TPOT_SECONDS,
    );
    this.#duration = histogram(
      'sliceway_request_duration_seconds',
      'From the HTTP request to the end of each of its prompts.',
      E2E_SECONDS,
    );
    this.#framesLost = new Counter({
      name: 'sliceway_text_frames_lost_total',
      help: 'Text frames that never came.',
      registers,
    });
    this.#lateEntries = new Counter({
      name: 'sliceway_gateway_late_entries_total',
      help: 'Text that came after the end of its attempt and was dropped.',
      registers,
    });
    this.#retries = new Counter({
      name: 'sliceway_gateway_retries_total',
      help: 'Second attempts, by the error code of the first.',
      labelNames: ['code'],
      registers,
    });
    for (const code of Object.values(FailureCode)) this.#retries.inc({ code }, 0);
  }

  /** Shows how many workers could be given a request now. */
  observeWorkers(directory: WorkerDirectory): void {
    new Gauge({
      name: 'sliceway_gateway_ready_workers',
      help: 'Workers that this gateway sees and that take requests, by their role.',
      labelNames: ['worker_role'],
      registers: [this.registry],
      collect() {
        for (const role of WORKER_ROLES) this.set({ worker_role: role }, directory.ready(role).length);
      },
    });
  }

  /** Shows the depth of the queue and its limits. */
  observe(admission: Admission): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(value());
        },
      });
    gauge('sliceway_gateway_queued_requests', 'Requests without a first token.', () => admission.queued);
    gauge('sliceway_gateway_queued_tokens', 'Prompt and completion tokens of those.', () => admission.queuedTokens);
    gauge('sliceway_gateway_max_queued_requests', 'Beyond it requests are refused.', () => admission.maxQueued);
    gauge('sliceway_gateway_max_queued_tokens', 'Beyond it requests are refused.', () => admission.maxQueuedTokens);
  }

  accepted(count: number): void {
    this.#accepted.inc(count);
  }

  refused(code: string | null): void {
    this.#refusals.inc({ code: code ?? NO_CODE });
  }

  retried(code: string | null): void {
    this.#retries.inc({ code: code ?? NO_CODE });
  }

  lateEntry(): void {
    this.#lateEntries.inc();
  }

  framesLost(count: number): void {
    this.#framesLost.inc(count);
  }

  admitted(afterMs: number, trace: Located): void {
    this.#queueTime.observe(afterMs / SECOND_MS, trace);
  }

  firstToken(afterMs: number, trace: Located): void {
    this.#firstToken.observe(afterMs / SECOND_MS, trace);
  }

  /** @param count tokens that came together; the time is spread over them */
  interToken(afterMs: number, count: number, trace: Located): void {
    for (let i = 0; i < count; i++) this.#interToken.observe(afterMs / SECOND_MS, trace);
  }

  /** @param meanMs between two tokens of one choice */
  perToken(meanMs: number, trace: Located): void {
    this.#perToken.observe(meanMs / SECOND_MS, trace);
  }

  ended(end: RequestEnd, code: string | null, { promptTokens, completionTokens }: Usage): void {
    this.#ends.inc({ end, code: code ?? NO_CODE });
    this.#promptTokens.inc(promptTokens);
    this.#completionTokens.inc(completionTokens);
  }

  /** However it ended. */
  took(afterMs: number, trace: Located): void {
    this.#duration.observe(afterMs / SECOND_MS, trace);
  }
}
