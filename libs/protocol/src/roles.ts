/** The four services. */
export const Role = {
  gateway: 'gateway',
  tokenizer: 'tokenizer',
  prefill: 'prefill',
  decode: 'decode',
} as const;
export type Role = (typeof Role)[keyof typeof Role];

/** A service that works for a gateway and that the gateway can abort. */
export type WorkerRole = Exclude<Role, 'gateway'>;

export const ROLES: readonly Role[] = Object.values(Role);
export const WORKER_ROLES: readonly WorkerRole[] = [Role.tokenizer, Role.prefill, Role.decode];
