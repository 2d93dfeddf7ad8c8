// What services begin with (`failingForward`): a forward that reaches a position throws, or ends the engine's thread.
import { isMainThread } from 'node:worker_threads';

interface Batch {
  readonly runs: readonly { readonly position: number; readonly tokens: number }[];
}

interface Runner {
  readonly ModelRunner: { readonly prototype: { run: (batch: Batch, ...rest: unknown[]) => unknown } };
}

/** Tokens of a sequence, its prompt included. */
export interface FailingForward {
  readonly throwsAt: number;
  readonly exitsAt: number;
}

/** The environment of services whose forwards fail. */
export function failingForward({ throwsAt, exitsAt }: FailingForward): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${import.meta.url}`,
    FORWARD_THROWS_AT: String(throwsAt),
    FORWARD_EXITS_AT: String(exitsAt),
  };
}

const { FORWARD_THROWS_AT: throwsAt, FORWARD_EXITS_AT: exitsAt } = process.env;
if (throwsAt !== undefined && !isMainThread) {
  const module = new URL('../../libs/engine/dist/worker/model-runner.js', import.meta.url);
  const { prototype } = ((await import(module.href)) as Runner).ModelRunner;
  const { run } = prototype;
  prototype.run = function (batch, ...rest) {
    const end = Math.max(...batch.runs.map(({ position, tokens }) => position + tokens));
    if (end >= Number(exitsAt)) process.exit(1);
    if (end >= Number(throwsAt)) throw new Error(`there is no position ${end}`);
    return run.call(this, batch, ...rest);
  };
}
