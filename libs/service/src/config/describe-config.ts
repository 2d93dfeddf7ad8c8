import { z } from 'zod';

/** A row of a table of variables. */
export interface VariableDescription {
  readonly name: string;
  /** As one would write it; undefined where the variable has to be set, or may be left out. */
  readonly defaultValue: string | undefined;
  readonly required: boolean;
  readonly description: string;
}

/** What a schema says of its variables, for the docs. */
export function describeConfig(schema: z.ZodObject): VariableDescription[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const unset = z.safeParse(field, undefined);
    return {
      name,
      defaultValue: unset.success && unset.data !== undefined ? String(unset.data) : undefined,
      required: !unset.success,
      description: z.globalRegistry.get(field)?.description ?? '',
    };
  });
}
