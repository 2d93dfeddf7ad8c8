import type { z } from 'zod';

/** For `superRefine`: adds a fault for each pair of variables that stand for the same and are both set. */
export function refuseBoth<Name extends string>(
  config: Readonly<Partial<Record<Name, unknown>>>,
  context: z.RefinementCtx,
  pairs: readonly (readonly [Name, Name])[],
): void {
  for (const [first, second] of pairs) {
    if (config[first] === undefined || config[second] === undefined) continue;
    context.addIssue({ code: 'custom', path: [first], message: `expected it or ${second}, not both` });
  }
}
