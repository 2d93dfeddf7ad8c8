import type { AbortReason, Failed, TextEntry, TextFrame, WorkerId, WorkerRole } from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { toApiError } from './failure-errors.js';
import type { RequestLifecycle } from './request-lifecycle.js';

/** The running requests: takes what comes from the workers to the request it belongs to. */
export class RequestTable {
  readonly #requests = new Map<string, RequestLifecycle>();
  readonly #addedMs = new WeakMap<RequestLifecycle, number>();

  /** @param onLate called for each entry that came after its attempt's end, and is dropped */
  constructor(private readonly onLate: () => void = () => {}) {}

  add(request: RequestLifecycle): void {
    this.#requests.set(request.rid, request);
    this.#addedMs.set(request, performance.now());
  }

  remove(rid: string): void {
    this.#requests.delete(rid);
  }

  onTextFrame({ entries }: TextFrame): void {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      const request = this.#requests.get(entry.rid);
      if (request === undefined || !deliver(request, entry)) this.onLate();
    }
  }

  /** Frames of this tokenizer never came: each of its requests from before `untilMs` may miss text. */
  onFramesLost(tokenizer: WorkerId, untilMs = Infinity): void {
    this.#each((request) => {
      if (this.#addedMs.get(request)! <= untilMs) request.onFramesLost(tokenizer);
    });
  }

  onFailed(failed: Failed): void {
    this.#requests.get(failed.rid)?.onFailed(failed);
  }

  onWorkerLost(role: WorkerRole, instance: WorkerId): void {
    this.#each((request) => request.onWorkerLost(role, instance));
  }

  onBrokerLost(): void {
    this.#each((request) => request.onBrokerLost());
  }

  /** Ends all that still runs. @param reason that the workers are told */
  failAll(error: ApiError, reason: AbortReason): void {
    this.#each((request) => request.fail(error, reason));
  }

  #each(visit: (request: RequestLifecycle) => void): void {
    for (const request of [...this.#requests.values()]) visit(request);
  }
}

/** A request whose delivery breaks ends alone; the others of the frame get theirs. */
function deliver(request: RequestLifecycle, entry: TextEntry): boolean {
  try {
    return request.onText(entry);
  } catch (error) {
    request.fail(toApiError(error));
    return true;
  }
}
