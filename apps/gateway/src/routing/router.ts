import { Role, WORKER_ROLES, type WorkerId, type WorkerRole } from '@sliceway/protocol';
import type { ApiError } from '../openai/api-error.js';
import { modelNotFound, notReady } from '../openai/api-errors.js';
import type { ServedModel } from '../openai/models.js';
import { compatible, sameModel } from './compatible.js';
import { InFlight } from './in-flight.js';
import { NO_LIMITS, type RouteLimits } from './route-limits.js';
import { createRoutingPolicy, RoutingPolicyName, type RoutingPolicy } from './routing-policy.js';
import type { Worker, WorkerDirectory } from './worker-directory.js';
import { hasRoom, workerLoad } from './worker-load.js';

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

  /** Requests that the ready decode workers can run at once, whatever their model. */
  get places(): number {
    return this.#directory.ready(Role.decode).reduce((sum, { load }) => sum + load.maxRunning, 0);
  }

  canServe(model: string, limits: RouteLimits): boolean {
    return this.#tokenizersOf(model, limits).length > 0;
  }

  /**
   * A tokenizer that a pair is ready for, too.
   *
   * @param preferred is taken if it can be
   * @throws ApiError 404 for a model that nobody serves, 503 while a worker for it is missing
   */
  tokenizer(model: string, limits: RouteLimits = NO_LIMITS, preferred: WorkerId | null = null): Worker {
    const ready = this.#tokenizersOf(model, limits);
    if (ready.length === 0) throw this.#unavailable(model);
    return ready.find(({ instance }) => instance === preferred) ?? this.#tokenizers.pick(ready);
  }

  /**
   * A pair for a prompt that this tokenizer has encoded.
   *
   * @throws ApiError 503 while no two ready workers fit together
   */
  route(tokenizer: Worker, limits: RouteLimits = NO_LIMITS): Route {
    const prefills = unsuspected(this.#partnered(tokenizer, limits), limits);
    if (prefills.length === 0) throw this.#unavailable(tokenizer.serves.model);
    const prefill = this.#prefills.pick(prefills);
    const decodes = unsuspected(this.#partners(prefill, limits), limits);
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

  #tokenizersOf(model: string, limits: RouteLimits): Worker[] {
    return this.#usable(Role.tokenizer, limits).filter(
      (tokenizer) => tokenizer.serves.model === model && this.#partnered(tokenizer, limits).length > 0,
    );
  }

  /** Prefill workers of the tokenizer's model that have somewhere to send KV. */
  #partnered(tokenizer: Worker, limits = NO_LIMITS): Worker[] {
    return this.#usable(Role.prefill, limits).filter(
      (prefill) => sameModel(tokenizer, prefill) && this.#partners(prefill, limits).length > 0,
    );
  }

  #partners(prefill: Worker, limits: RouteLimits): Worker[] {
    return this.#usable(Role.decode, limits).filter((decode) => compatible(prefill, decode));
  }

  #usable(role: WorkerRole, { excluded, needsRoom }: RouteLimits): Worker[] {
    return this.#directory
      .ready(role)
      .filter((worker) => !excluded.has(worker.instance) && (!needsRoom || hasRoom(worker, this.inFlight)));
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

/** Those that need not be avoided, or else all. */
function unsuspected(workers: readonly Worker[], { avoided }: RouteLimits): readonly Worker[] {
  const others = workers.filter(({ instance }) => !avoided.has(instance));
  return others.length > 0 ? others : workers;
}
