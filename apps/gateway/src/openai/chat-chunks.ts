import { completionId, systemFingerprint, type CompletionHead } from './completion-head.js';
import type { ChoiceEnd, Usage } from './completion-sink.js';
import { usageObject } from './usage-object.js';

/**
 * The `chat.completion.chunk` objects of one answer as JSON. All that is constant is made once: a token costs one
 * `JSON.stringify` of its text and a few concatenations.
 */
export class ChatChunks {
  /** Up to the choice's index. */
  readonly #before: string;
  /** From the end of the choice on. */
  readonly #after: string;
  readonly #start: string;

  /** @param withUsage chunks carry `usage: null` where the client asked for a last one with the usage */
  constructor(head: CompletionHead, fingerprint: string, withUsage: boolean) {
    const constant = JSON.stringify({
      id: completionId(head.rid),
      object: 'chat.completion.chunk',
      created: head.createdAtSeconds,
      model: head.model,
      system_fingerprint: systemFingerprint(fingerprint),
    });
    this.#start = `${constant.slice(0, -1)},"choices":[`;
    this.#before = `${this.#start}{"index":`;
    this.#after = withUsage ? '}],"usage":null}' : '}]}';
  }

  /** The first chunk of a choice. */
  role(choice: number): string {
    return this.#chunk(choice, '{"role":"assistant","content":""}', 'null');
  }

  text(choice: number, text: string): string {
    return this.#chunk(choice, `{"content":${JSON.stringify(text)}}`, 'null');
  }

  finish(choice: number, end: ChoiceEnd): string {
    return this.#chunk(choice, '{}', `"${end}"`);
  }

  /** The last chunk: no choices, only the usage. */
  usage(usage: Usage): string {
    return `${this.#start}],"usage":${JSON.stringify(usageObject(usage))}}`;
  }

  #chunk(choice: number, delta: string, finishReason: string): string {
    return `${this.#before}${choice},"delta":${delta},"logprobs":null,"finish_reason":${finishReason}${this.#after}`;
  }
}
