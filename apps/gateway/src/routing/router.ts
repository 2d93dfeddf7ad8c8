import { Role, WORKER_ROLES, type WorkerRole } from '@sliceway/protocol';
import { modelNotFound, notReady } from '../openai/api-errors.js';
import type { ServedModel } from '../openai/models.js';
import { compatible } from './compatible.js';
import { InFlight } from './in-flight.js';
import { createRoutingPolicy, type RoutingPolicy, type RoutingPolicyName } from './routing-policy.js';
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
    this.#tokenizers = createRoutingPolicy('round_robin', this.#score);
    this.#prefills = createRoutingPolicy(options.prefillPolicy, this.#score);
    this.#decodes = createRoutingPolicy(options.decodePolicy, this.#score);
  }

  /** Models with a ready worker of each role, by name. */
  models(): ServedModel[] {
    const models = new Map<string, ServedModel>();
    const tokenized = new Set(this.#directory.ready(Role.tokenizer).map(({ serves }) => serves.model));
    const decodes = this.#directory.ready(Role.decode);
    for (const prefill of this.#directory.ready(Role.prefill)) {
      const name = prefill.serves.model;
      if (!tokenized.has(name) || !decodes.some((decode) => compatible(prefill, decode))) continue;
      const sinceMs = Math.min(prefill.startedAtMs, models.get(name)?.sinceMs ?? Infinity);
      models.set(name, { name, sinceMs, contextLength: prefill.serves.contextLength });
    }
    return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws ApiError 404 for a model that nobody serves, 503 while no worker is ready */
  tokenizer(model: string): Worker {
    const ready = this.#directory.ready(Role.tokenizer).filter(({ serves }) => serves.model === model);
    if (ready.length === 0) throw this.#unavailable(model);
    return this.#tokenizers.pick(ready);
  }

  /** @throws ApiError 503 while no two ready workers of the model fit together */
  route(model: string): Route {
    const decodes = this.#ready(Role.decode, model);
    const prefills = this.#ready(Role.prefill, model).filter((prefill) =>
      decodes.some((decode) => compatible(prefill, decode)),
    );
    if (prefills.length === 0) throw this.#unavailable(model);
    const prefill = this.#prefills.pick(prefills);
    const partners = decodes.filter((decode) => compatible(prefill, decode));
    const decode = this.#decodes.pick(partners);
    return {
      prefill,
      decode,
      contextLength: Math.min(prefill.serves.contextLength, decode.serves.contextLength),
      candidates: [
        ...prefills.map((worker) => this.#candidate(Role.prefill, worker)),
        ...partners.map((worker) => this.#candidate(Role.decode, worker)),
      ],
    };
  }

  readonly #score = (worker: Worker): number => workerLoad(worker, this.inFlight);

  #ready(role: WorkerRole, model: string): Worker[] {
    return this.#directory.ready(role).filter(({ serves }) => serves.model === model);
  }

  #candidate(role: WorkerRole, worker: Worker): RouteCandidate {
    return { role, instance: worker.instance, score: this.#score(worker) };
  }

  #unavailable(model: string) {
    const roles = WORKER_ROLES;
    const known = new Set(roles.flatMap((role) => this.#directory.ready(role).map(({ serves }) => serves.model)));
    if (known.size > 0 && !known.has(model)) return modelNotFound(model, [...known]);
    const missing = roles.filter((role) => this.#ready(role, model).length === 0);
    return missing.length > 0
      ? notReady(`no ${missing.join(', no ')} worker is ready`)
      : notReady(`no prefill and decode worker of '${model}' fit together`);
  }
}
