import type { WorkerId } from '@sliceway/protocol';

/** What a new attempt must not or had better not use. */
export interface RouteLimits {
  /** Workers that are lost or have failed. */
  readonly excluded: ReadonlySet<WorkerId>;
  /** Taken only where there is nobody else: they may have had a part in a failure. */
  readonly avoided: ReadonlySet<WorkerId>;
  /** Only workers that could start a request at once. */
  readonly needsRoom: boolean;
}

export const NO_LIMITS: RouteLimits = { excluded: new Set(), avoided: new Set(), needsRoom: false };
