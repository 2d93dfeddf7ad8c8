import { atMost, type BenchResult } from './result.js';
import { runScript as runScriptAt } from './run-script.js';

const benchFolder = new URL('../../libs/engine/bench/', import.meta.url);
/** What forward.mjs ends with where the backend is not installed. */
const NOT_INSTALLED = 3;

type Timed = BenchResult & { readonly bareMs?: number; readonly rows?: number };

/** The forward and LocalEngine against the bare matrix products, these against a script that does nothing else, and loading. */
export async function engineBench(model: string): Promise<BenchResult[]> {
  const env = { SLICEWAY_MODEL: model };
  const forward = await runScript<Timed[]>('forward.mjs', [], env);
  const rows = forward.flatMap(({ rows: count }) => (count === undefined ? [] : [String(count)]));
  const alone = await runScript<Record<string, number>>('bare-products.mjs', rows);
  const agreement = forward.flatMap(({ bareMs, rows: count }) => {
    if (bareMs === undefined || count === undefined) return [];
    const [own, other] = [bareMs, alone[count]!];
    const note = `${own.toFixed(1)} ms and ${other.toFixed(1)} ms`;
    const name = `bare products, ${count} rows, against the stand-alone script`;
    return [atMost(name, Math.max(own / other, other / own), 1.15, note)];
  });
  const local = await runScript<BenchResult[]>('local-engine.mjs', [], env);
  const { cpuSeconds, wallSeconds } = await runScript<{ cpuSeconds: number; wallSeconds: number }>('load.mjs', [], env);
  const load = atMost('CPU seconds from file to ready', cpuSeconds, 4, `${wallSeconds.toFixed(1)} s of time`);
  return [...forward, ...agreement, ...local, load, ...(await nodeBench(env))].map(
    ({ name, value, bound, holds, note }) => ({ name, value, bound, holds, note }),
  );
}

/** The same forward on the backend `node`, beside and without bounds, where it is installed. */
async function nodeBench(env: Record<string, string>): Promise<readonly BenchResult[]> {
  try {
    return await runScript<BenchResult[]>('forward.mjs', ['--backend', 'node'], env);
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_INSTALLED) return [];
    throw error;
  }
}

function runScript<T>(script: string, args: string[], env: Record<string, string> = {}): Promise<T> {
  return runScriptAt<T>(new URL(script, benchFolder), args, env);
}
