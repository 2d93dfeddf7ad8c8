import type { EncodeRequest, FailureCode, Role, WorkerId } from '@sliceway/protocol';
import type { RequestTrace } from '@sliceway/tracing';
import type { TokenTexts } from './choice-text.js';
import { OutputStream } from './output-stream.js';

export interface OpenRequestParts {
  readonly request: EncodeRequest;
  readonly tokens: TokenTexts;
  readonly trace: RequestTrace;
  readonly orderTimeoutMs: number;
  /** How long it may go without a token. */
  readonly idleTimeoutMs: number;
  readonly fail: (code: FailureCode, message: string) => void;
  readonly onIdle: () => void;
}

/** A request's choices here, from encode until the last has ended. */
export class OpenRequest {
  readonly rid: string;
  readonly attempt: number;
  readonly gateway: WorkerId;
  readonly openedMs = performance.now();
  /** The visit that its encoding ended with. */
  encodedOn: RequestTrace;
  readonly #choices: readonly OutputStream[];
  readonly #trace: RequestTrace;
  readonly #idle: NodeJS.Timeout;

  constructor({ request, tokens, trace, orderTimeoutMs, idleTimeoutMs, fail, onIdle }: OpenRequestParts) {
    const { gateway, choices, stop } = request.output;
    this.rid = request.rid;
    this.attempt = request.attempt;
    this.gateway = gateway;
    this.#trace = this.encodedOn = trace;
    this.#choices = Array.from({ length: choices }, (_, choice) => {
      const openTrace = (ts: number): RequestTrace => trace.visit({ choice, ts, after: this.encodedOn });
      return new OutputStream({ tokens, stop, orderTimeoutMs, openTrace, fail });
    });
    this.#idle = setTimeout(onIdle, idleTimeoutMs);
  }

  choice(number: number): OutputStream | undefined {
    return this.#choices[number];
  }

  /** A token has come. */
  touch(): void {
    this.#idle.refresh();
  }

  get ended(): boolean {
    return this.#choices.every(({ ended }) => ended);
  }

  /** Whether a frame lost from this worker may have held one of its tokens. */
  mayMiss(sender: WorkerId, roleOf: (instance: WorkerId) => Role | undefined): boolean {
    return this.#choices.some((choice) => choice.mayMiss(sender, roleOf));
  }

  /** All choices have ended. */
  finish(): void {
    clearTimeout(this.#idle);
    this.#trace.finish();
  }

  abort(reason: string): void {
    clearTimeout(this.#idle);
    for (const choice of this.#choices) choice.abort(reason);
    this.#trace.abort(reason);
  }
}
