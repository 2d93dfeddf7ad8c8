import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atMost, type BenchResult } from './result.js';

const run = promisify(execFile);
const benchFolder = new URL('../../libs/engine/bench/', import.meta.url);

/** Decode steps and prefill against the bare matrix products, and these against a script that does nothing else. */
export async function engineBench(model: string): Promise<BenchResult[]> {
  const results = await runScript<(BenchResult & { bareMs?: number; rows?: number })[]>('forward.mjs', [], {
    SLICEWAY_MODEL: model,
  });
  const alone = await runScript<Record<string, { inOut: number; outIn: number }>>('bare-products.mjs', [
    '1',
    '4',
    '8',
    '128',
  ]);
  const agreement = results.flatMap(({ bareMs, rows }) => {
    if (bareMs === undefined || rows === undefined) return [];
    const best = Math.min(alone[rows]!.inOut, alone[rows]!.outIn);
    const ratio = Math.max(bareMs / best, best / bareMs);
    return [
      atMost(
        `bare products, ${rows} rows, against the stand-alone script`,
        ratio,
        1.15,
        `${bareMs.toFixed(1)} ms and ${best.toFixed(1)} ms`,
      ),
    ];
  });
  return [...results.map(({ name, value, bound, holds, note }) => ({ name, value, bound, holds, note })), ...agreement];
}

async function runScript<T>(script: string, args: string[], env: Record<string, string> = {}): Promise<T> {
  const { stdout } = await run(process.execPath, [fileURLToPath(new URL(script, benchFolder)), ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(stdout) as T;
}
