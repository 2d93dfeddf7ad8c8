import { parseArgs } from 'node:util';
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

/** Null for `--help`. @throws UsageError */
export function parseCliOptions(argv: readonly string[], env: NodeJS.ProcessEnv): CliOptions | null {
  const names = [...ROLES, 'port', 'host'] as const;
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const values = parse([...argv], { ...options, help: { type: 'boolean', short: 'h' } });
  if (values['help'] === true) return null;
  const number = (name: string, fallback: string | undefined, min: number, max: number) => {
    const text = String(values[name] ?? fallback);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError(`--${name} is ${text}; it must be a whole number from ${min} to ${max}`);
  };
  const counts = Object.fromEntries(ROLES.map((role) => [role, number(role, '1', 1, MAX_COUNT)]));
  return {
    counts: counts as Record<Role, number>,
    host: String(values['host'] ?? (env['HOST'] || '127.0.0.1')),
    port: number('port', env['PORT'] || '8000', 0, 65535),
  };
}

function parse(args: string[], options: NonNullable<Parameters<typeof parseArgs>[0]>['options']) {
  try {
    return parseArgs({ args, options: options!, allowPositionals: false }).values as Record<string, unknown>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
