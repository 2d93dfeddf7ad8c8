import type { ScheduledBatch } from './scheduling/scheduler.js';
import type { EngineWorker } from './worker/engine-worker.js';

// For tests of what an app makes of an engine; the package exports it as `./testing`.

/** A sequence's part of a batch. */
export interface Member {
  readonly request: { readonly id: string; readonly promptIds: readonly number[] };
  readonly choice: number;
}
export const member = (id: string, choice = 0): Member => ({ request: { id, promptIds: [1, 2] }, choice });

/** The engine schedules and computes these, each with a run of [tokens, position]. */
export function forward(
  { observer }: EngineWorker,
  bid: number,
  members: readonly (readonly [Member, tokens: number, position: number])[],
  retracted: readonly Member[] = [],
): void {
  const runs = members.map(([, tokens, position]) => ({ tokens, position }));
  const tokenIds = { length: runs.reduce((sum, { tokens }) => sum + tokens, 0) };
  const sequences = members.map(([one]) => one);
  const batch = { forward: { bid, runs, tokenIds }, sequences, retracted } as unknown as ScheduledBatch;
  observer.onSchedule(batch);
  const startNs = Number(process.hrtime.bigint());
  const endNs = Number(process.hrtime.bigint());
  observer.onForward(batch, { bid, sampled: [], startNs, endNs, tensors: 0 });
}
