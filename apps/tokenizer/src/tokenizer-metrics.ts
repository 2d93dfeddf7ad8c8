import type { MetricsRegistry } from '@sliceway/service';
import { Counter, Histogram } from 'prom-client';
import type { DropReason } from './output/open-requests.js';

/** From a short prompt to one of a million characters. */
const ENCODE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the tokenizer counts, beside `sliceway_requests_active`: the requests whose text is under way. */
export class TokenizerMetrics {
  readonly #encode: Histogram;
  readonly #refusals: Counter<'code'>;
  readonly #promptTokens: Counter;
  readonly #textTokens: Counter;
  readonly #dropped: Counter<'reason'>;
  readonly #framesLost: Counter;

  constructor(registry: MetricsRegistry) {
    const registers = [registry];
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.#encode = new Histogram({
      name: 'sliceway_encode_seconds',
      help: 'From an encode request to its reply.',
      buckets: ENCODE_SECONDS,
      registers,
    });
    this.#refusals = new Counter({
      name: 'sliceway_refused_prompts_total',
      help: 'Prompts that were not encoded, by error code.',
      labelNames: ['code'],
      registers,
    });
    this.#promptTokens = counter('sliceway_encoded_tokens_total', 'Prompt tokens made here.');
    this.#textTokens = counter('sliceway_detokenized_tokens_total', 'Tokens whose text was sent to a gateway.');
    this.#dropped = new Counter({
      name: 'sliceway_dropped_token_entries_total',
      help: 'Entries of token frames that went nowhere: unknown request, stale attempt, ended choice.',
      labelNames: ['reason'],
      registers,
    });
    this.#framesLost = counter('sliceway_token_frames_lost_total', 'Token frames that never came.');
  }

  encoded(afterMs: number, tokens: number): void {
    this.#encode.observe(afterMs / 1000);
    this.#promptTokens.inc(tokens);
  }

  refused(code: string): void {
    this.#refusals.inc({ code });
  }

  detokenized(tokens: number): void {
    this.#textTokens.inc(tokens);
  }

  dropped(reason: DropReason): void {
    this.#dropped.inc({ reason });
  }

  framesLost(frames: number): void {
    this.#framesLost.inc(frames);
  }
}
