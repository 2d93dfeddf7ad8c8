import {
  CLUSTER_FLAGS,
  type CliOptions,
  parseCommandLine,
  readClusterOptions,
  readInteger,
  UsageError,
} from '../cli/cli-options.js';

export interface DemoOptions {
  readonly cluster: CliOptions;
  readonly prompt: string;
  readonly maxTokens: number;
  readonly level: number;
  /** Ends after the tree. */
  readonly isOnce: boolean;
}

/** A trace that is in a file already, or one that a cluster makes now. */
export type TraceCommand =
  | { readonly kind: 'print'; readonly path: string; readonly rid: string | undefined }
  | { readonly kind: 'demo'; readonly options: DemoOptions };

export const TRACE_USAGE = `Usage: npm run trace -- [options]
       npm run trace -- FILE|FOLDER [RID]

Without a file: starts the cluster and a Jaeger, sends one chat request, and shows where its time went. Jaeger is the one of
SLICEWAY_JAEGER, jaeger-all-in-one on PATH, or a container if Docker runs; without one the trace is in files alone.
With a file, or a folder of files, of OTLP JSON lines: shows the trace of a request there. RID is its x-request-id, or how
that begins; the last request if it is missing.

  --once           end after the tree; else the cluster goes on until Ctrl-C
  --prompt TEXT    what to ask (default "What is the capital of France?")
  --max-tokens N   longest answer (default 24)
  --level N        1 to 3: how much is traced (default SLICEWAY_TRACE_LEVEL, else 3)
  --gateway N, --tokenizer N, --prefill N, --decode N, --port N, --host ADDRESS   as npm start has them
  --help           this text
`;

const FLAGS = {
  ...CLUSTER_FLAGS,
  once: { type: 'boolean' },
  prompt: { type: 'string' },
  'max-tokens': { type: 'string' },
  level: { type: 'string' },
} as const;

/** Null for `--help`. @throws UsageError */
export function parseTraceCommand(argv: readonly string[], env: NodeJS.ProcessEnv): TraceCommand | null {
  const { values, positionals } = parseCommandLine(argv, FLAGS, true);
  if (values['help'] === true) return null;
  const [path, rid, ...rest] = positionals;
  if (path !== undefined) {
    const flags = Object.keys(values);
    if (flags.length > 0) throw new UsageError(`--${flags[0]} is for a request that is sent, not for ${path}`);
    if (rest.length > 0) throw new UsageError(`one request at a time: ${rest.join(' ')} is too much`);
    if (path === '') throw new UsageError('the name of the file is empty');
    return { kind: 'print', path, rid };
  }
  const options = {
    cluster: readClusterOptions(values, env),
    prompt: String(values['prompt'] ?? 'What is the capital of France?'),
    maxTokens: readInteger(values, 'max-tokens', '24', 1, 4096),
    level: readInteger(values, 'level', env['SLICEWAY_TRACE_LEVEL'] || '3', 1, 3),
    isOnce: values['once'] === true,
  };
  return { kind: 'demo', options };
}
