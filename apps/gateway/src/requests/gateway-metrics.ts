import type { MetricsRegistry } from '@sliceway/service';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Admission } from './admission.js';
import { RequestEnd } from './request-observer.js';

const SECOND_MS = 1000;
/** The label of what has no error code. */
const NO_CODE = 'none';
/** From one decode step of a small model to a stalled one. */
const ITL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const TTFT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const E2E_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** What the gateway counts. Names are stable; docs list them. */
export class GatewayMetrics {
  readonly #ends: Counter<'end' | 'code'>;
  readonly #refusals: Counter<'code'>;
  readonly #promptTokens: Counter;
  readonly #completionTokens: Counter;
  readonly #framesLost: Counter;
  readonly #lateEntries: Counter;
  readonly #retries: Counter<'code'>;
  readonly #firstToken: Histogram;
  readonly #interToken: Histogram;
  readonly #duration: Histogram;

  constructor(private readonly registry: MetricsRegistry) {
    const registers = [registry];
    this.#ends = new Counter({
      name: 'sliceway_requests_total',
      help: 'Accepted requests by how they ended and, unless they finished, why.',
      labelNames: ['end', 'code'],
      registers,
    });
    for (const end of Object.values(RequestEnd)) this.#ends.inc({ end, code: NO_CODE }, 0);
    this.#refusals = new Counter({
      name: 'sliceway_refused_requests_total',
      help: 'Requests that were not accepted, by error code.',
      labelNames: ['code'],
      registers,
    });
    this.#promptTokens = new Counter({
      name: 'sliceway_prompt_tokens_total',
      help: 'Prompt tokens of ended requests.',
      registers,
    });
    this.#completionTokens = new Counter({
      name: 'sliceway_completion_tokens_total',
      help: 'Completion tokens of ended requests.',
      registers,
    });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, registers });
    this.#firstToken = histogram(
      'sliceway_time_to_first_token_seconds',
      'From the HTTP request to its first token.',
      TTFT_SECONDS,
    );
    this.#interToken = histogram('sliceway_inter_token_latency_seconds', 'Between two tokens.', ITL_SECONDS);
    this.#duration = histogram('sliceway_request_duration_seconds', 'From the HTTP request to its end.', E2E_SECONDS);
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

  firstToken(afterMs: number): void {
    this.#firstToken.observe(afterMs / SECOND_MS);
  }

  /** @param count tokens that came together; the time is spread over them */
  interToken(afterMs: number, count: number): void {
    for (let i = 0; i < count; i++) this.#interToken.observe(afterMs / SECOND_MS);
  }

  ended(end: RequestEnd, code: string | null, afterMs: number, promptTokens: number, completionTokens: number): void {
    this.#ends.inc({ end, code: code ?? NO_CODE });
    this.#duration.observe(afterMs / SECOND_MS);
    this.#promptTokens.inc(promptTokens);
    this.#completionTokens.inc(completionTokens);
  }
}
