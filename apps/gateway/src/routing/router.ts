import { Role, WORKER_ROLES, type WorkerRole } from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { modelNotFound, notReady } from '../openai/api-errors.js';
import type { ServedModel } from '../openai/models.js';
import { compatible, sameModel } from './compatible.js';
import { InFlight } from './in-flight.js';
import { createRoutingPolicy, RoutingPolicyName, type RoutingPolicy } from './routing-policy.js';
import type { Worker, WorkerDirectory } from './worker-directory.js';
import { workerLoad } from './worker-load.js';

export interface RouterOptions {
  readonly prefillPolicy: RoutingPolicyName;
  readonly decodePolicy: RoutingPolicyName;
}

/** A prefill and a decode worker that understand each other's KV. */
export interface Pair {
  readonly prefill: Worker;
  readonly decode: Worker;
  /** What both can hold, in tokens. */
  readonly contextLength: number;
}

/** A choice and what it was made from, for the trace. */
export interface Route extends Pair {
  readonly candidates: readonly RouteCandidate[];
}

export interface RouteCandidate {
  readonly role: WorkerRole;
  readonly instance: string;
  readonly score: number;
}

/** Chooses the workers of a request among those that are ready. */
export class Router {
  readonly inFlight = new InFlight();
  readonly #directory: WorkerDirectory;
  readonly #tokenizers: RoutingPolicy;
  readonly #prefills: RoutingPolicy;
  readonly #decodes: RoutingPolicy;

  constructor(directory: WorkerDirectory, options: RouterOptions) {
    this.#directory = directory;
    this.#tokenizers = createRoutingPolicy(RoutingPolicyName.roundRobin, this.#score);
    this.#prefills = createRoutingPolicy(options.prefillPolicy, this.#score);
    this.#decodes = createRoutingPolicy(options.decodePolicy, this.#score);
  }

  /** Models that a tokenizer and a pair are ready for, by name. */
  models(): ServedModel[] {
    const models = new Map<string, ServedModel>();
    for (const tokenizer of this.#directory.ready(Role.tokenizer)) {
      for (const { serves, startedAtMs } of this.#partnered(tokenizer)) {
        const name = serves.model;
        const sinceMs = Math.min(startedAtMs, models.get(name)?.sinceMs ?? Infinity);
        models.set(name, { name, sinceMs, contextLength: serves.contextLength });
      }
    }
    return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws ApiError 404 for a model that nobody serves, 503 while a worker for it is missing */
  tokenizer(model: string): Worker {
    const ready = this.#directory
      .ready(Role.tokenizer)
      .filter((tokenizer) => tokenizer.serves.model === model && this.#partnered(tokenizer).length > 0);
    if (ready.length === 0) throw this.#unavailable(model);
    return this.#tokenizers.pick(ready);
  }

  /**
   * A pair for a prompt that this tokenizer has encoded.
   *
   * @throws ApiError 503 while no two ready workers fit together
   */
  route(tokenizer: Worker): Route {
    const prefills = this.#partnered(tokenizer);
    if (prefills.length === 0) throw this.#unavailable(tokenizer.serves.model);
    const prefill = this.#prefills.pick(prefills);
    const decodes = this.#partners(prefill);
    const decode = this.#decodes.pick(decodes);
    return {
      prefill,
      decode,
      contextLength: Math.min(prefill.serves.contextLength, decode.serves.contextLength),
      candidates: [
        ...prefills.map((worker) => this.#candidate(Role.prefill, worker)),
        ...decodes.map((worker) => this.#candidate(Role.decode, worker)),
      ],
    };
  }

  readonly #score = (worker: Worker): number => workerLoad(worker, this.inFlight);

  /** Prefill workers of the tokenizer's model that have somewhere to send KV. */
  #partnered(tokenizer: Worker): Worker[] {
    return this.#directory
      .ready(Role.prefill)
      .filter((prefill) => sameModel(tokenizer, prefill) && this.#partners(prefill).length > 0);
  }

  #partners(prefill: Worker): Worker[] {
    return this.#directory.ready(Role.decode).filter((decode) => compatible(prefill, decode));
  }

  #candidate(role: WorkerRole, worker: Worker): RouteCandidate {
    return { role, instance: worker.instance, score: this.#score(worker) };
  }

  #unavailable(model: string): ApiError {
    const serving = (role: WorkerRole) => this.#directory.ready(role).map(({ serves }) => serves.model);
    const known = new Set(WORKER_ROLES.flatMap(serving));
    if (known.size > 0 && !known.has(model)) return modelNotFound(model, [...known]);
    const missing = WORKER_ROLES.filter((role) => !serving(role).includes(model));
    return missing.length > 0
      ? notReady(`no ${missing.join(', no ')} worker is ready`)
      : notReady(`no workers of '${model}' fit together`);
  }
}
