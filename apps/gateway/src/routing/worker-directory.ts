import type { Load, Serves, WorkerId, WorkerRole } from '@sliceway/protocol';

/** A worker that takes requests. */
export interface Worker {
  readonly instance: WorkerId;
  readonly load: Load;
  readonly serves: Serves;
  readonly startedAtMs: number;
}

/** Who takes requests at this moment. */
export interface WorkerDirectory {
  ready(role: WorkerRole): readonly Worker[];
}
