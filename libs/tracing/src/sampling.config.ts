/** Which traces that begin here, or come from others, are recorded. */
export interface Sampling {
  /** Share of the traces. */
  readonly ratio: number;
  /** The share is one of all traces. Else those with a parent go as it does. */
  readonly ignoresParent: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PARENT_BASED = 'parentbased_';
const SAMPLERS: readonly string[] = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [
  PARENT_BASED + name,
  name,
]);

/**
 * By OTEL_TRACES_SAMPLER and its ARG: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 *
 * @param warn takes one sentence where a value was not taken
 */
export function readSampling(warn: (message: string) => void, environment: Environment = process.env): Sampling {
  const value = environment['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  const isKnown = SAMPLERS.includes(value);
  if (!isKnown) {
    warn(`OTEL_TRACES_SAMPLER is ${JSON.stringify(value)}: known are ${SAMPLERS.join(', ')}; ${SAMPLERS[0]} is used`);
  }
  const sampler = isKnown ? value : SAMPLERS[0]!;
  return { ratio: ratioOf(sampler, warn, environment), ignoresParent: !sampler.startsWith(PARENT_BASED) };
}

function ratioOf(sampler: string, warn: (message: string) => void, environment: Environment): number {
  if (!sampler.endsWith('traceidratio')) return sampler.endsWith('always_on') ? 1 : 0;
  const value = environment['OTEL_TRACES_SAMPLER_ARG']?.trim() || '1';
  const ratio = Number(value);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warn(`OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(value)}: expected a number from 0 to 1; 1 is used`);
  return 1;
}
