import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type Role, ROLES } from '../cluster/cluster-process.js';

export interface CliOptions {
  readonly counts: Record<Role, number>;
  readonly host: string;
  readonly port: number;
}

export const USAGE = `Usage: npm start -- [options]

Starts nats-server and the four services as processes of this machine.

  --gateway N     how many gateways (default 1)
  --tokenizer N   how many tokenizers (default 1)
  --prefill N     how many prefill workers (default 1)
  --decode N      how many decode workers (default 1)
  --port N        port of the first gateway, 0 for a free one (default PORT, else 8000)
  --host ADDRESS  address to listen on (default HOST, else 127.0.0.1)
  --help          this text

SLICEWAY_MODEL is a .gguf file, a folder of safetensors, or owner/name[:file] on the Hugging Face hub. NATS_URL is a broker to use instead of our own.
`;

/** More processes than this on one machine is a slip of the finger. */
const MAX_COUNT = 32;

/** A command line that cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Flags of the cluster, which every program that starts one takes. */
export const CLUSTER_FLAGS = Object.fromEntries(
  [...ROLES, 'port', 'host'].map((name) => [name, { type: 'string' }]),
) as {
  readonly [name: string]: { readonly type: 'string' };
};

export type Flags = NonNullable<ParseArgsConfig['options']>;
export type FlagValues = Readonly<Record<string, unknown>>;

/** Null for `--help`. @throws UsageError */
export function parseCliOptions(argv: readonly string[], env: NodeJS.ProcessEnv): CliOptions | null {
  const { values } = parseCommandLine(argv, CLUSTER_FLAGS, false);
  return values['help'] === true ? null : readClusterOptions(values, env);
}

/** Reads what `CLUSTER_FLAGS` and the environment say. @throws UsageError */
export function readClusterOptions(values: FlagValues, env: NodeJS.ProcessEnv): CliOptions {
  const counts = Object.fromEntries(ROLES.map((role) => [role, readInteger(values, role, '1', 1, MAX_COUNT)]));
  return {
    counts: counts as Record<Role, number>,
    host: String(values['host'] ?? (env['HOST'] || '127.0.0.1')),
    port: readInteger(values, 'port', env['PORT'] || '8000', 0, 65535),
  };
}

/** A flag that is a whole number. @throws UsageError */
export function readInteger(values: FlagValues, name: string, fallback: string, min: number, max: number): number {
  const text = String(values[name] ?? fallback);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} is ${text}; it must be a whole number from ${min} to ${max}`);
}

/** Flags, with `--help` added, and what stands beside them. @throws UsageError */
export function parseCommandLine(
  argv: readonly string[],
  flags: Flags,
  allowPositionals: boolean,
): { readonly values: FlagValues; readonly positionals: readonly string[] } {
  try {
    const options: Flags = { ...flags, help: { type: 'boolean', short: 'h' } };
    return parseArgs({ args: [...argv], options, allowPositionals });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
