import { z } from 'zod';

/** Names every fault of the environment at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(
      `the environment has ${faults.length === 1 ? 'a fault' : 'faults'}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
}

/**
 * Reads the environment through a schema; an empty variable counts as not set.
 * @throws ConfigError with a line per fault: variable, value (unless the field's meta says `secret`), what is allowed
 */
export function parseConfig<S extends z.ZodObject>(schema: S, env: Record<string, string | undefined>): z.output<S> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => {
      const name = String(issue.path[0] ?? '');
      return `${name} ${describeValue(schema.shape[name], set[name])}: ${issue.message}`;
    }),
  );
}

function describeValue(field: z.core.$ZodType | undefined, value: string | undefined): string {
  if (value === undefined) return 'is not set';
  const isSecret = field !== undefined && z.globalRegistry.get(field)?.['secret'] === true;
  return isSecret ? 'has a secret value' : `is ${JSON.stringify(value)}`;
}
