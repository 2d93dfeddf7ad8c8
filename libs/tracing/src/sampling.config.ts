/** Share of the traces that begin here which are recorded, by OTEL_TRACES_SAMPLER; a trace with a parent goes as its parent does. */
export function samplingRatio(environment: Readonly<Record<string, string | undefined>> = process.env): number {
  const sampler = environment['OTEL_TRACES_SAMPLER']?.trim() ?? '';
  if (sampler.endsWith('always_off')) return 0;
  if (!sampler.endsWith('traceidratio')) return 1;
  const ratio = Number(environment['OTEL_TRACES_SAMPLER_ARG'] || 1);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
