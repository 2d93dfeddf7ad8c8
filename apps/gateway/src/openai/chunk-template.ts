import { headFields, type CompletionHead } from './completion-head.js';
import type { Usage } from './completion-sink.js';
import { usageObject } from './usage-object.js';

/**
 * The chunks of one answer as JSON. All that is constant is made once: a token costs one `JSON.stringify` of its text
 * and a few concatenations.
 */
export class ChunkTemplate {
  readonly #start: string;
  /** Up to the choice's index. */
  readonly #before: string;
  /** From the end of the choice on. */
  readonly #after: string;

  /** @param withUsage chunks carry `usage: null` where the client asked for a last one with the usage */
  constructor(
    head: CompletionHead,
    object: string,
    fingerprint: string,
    readonly withUsage: boolean,
  ) {
    this.#start = `${JSON.stringify(headFields(head, object, fingerprint)).slice(0, -1)},"choices":[`;
    this.#before = `${this.#start}{"index":`;
    this.#after = withUsage ? '}],"usage":null}' : '}]}';
  }

  /** @param content fields of the choice as JSON, without braces */
  choice(index: number, content: string, logprobs: object | null, finishReason: string | null): string {
    const rest = logprobs === null ? 'null' : JSON.stringify(logprobs);
    const reason = finishReason === null ? 'null' : `"${finishReason}"`;
    return `${this.#before}${index},${content},"logprobs":${rest},"finish_reason":${reason}${this.#after}`;
  }

  /** The last chunk: no choices, only the usage. */
  usage(usage: Usage): string | null {
    return this.withUsage ? `${this.#start}],"usage":${JSON.stringify(usageObject(usage))}}` : null;
  }
}
