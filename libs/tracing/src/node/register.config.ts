/** Instrumentations that are on unless the environment names others: of HTTP, and of Node.js itself. */
const INSTRUMENTATIONS = 'http,runtime-node';
const ENABLED = 'OTEL_NODE_ENABLED_INSTRUMENTATIONS';

/** Each of these says where spans go. */
const DESTINATIONS = [
  'OTEL_TRACES_EXPORTER',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'SLICEWAY_TRACE_DIRECTORY',
  'SLICEWAY_TRACE_PROCESSOR',
  'SLICEWAY_TRACE_EXPORTER',
];

/**
 * Whether anything is to be patched: not where spans go nowhere, since the context that follows every promise costs a gateway
 * under overload a tenth of its goodput.
 */
export function isInstrumented(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  const hasDestination = DESTINATIONS.some((name) => environment[name] && environment[name] !== 'none');
  const isDisabled = environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
  return hasDestination && !isDisabled && environment['SLICEWAY_TRACE_LEVEL'] !== '0';
}

/**
 * Does what reads the list of instrumentations from the environment, with ours where it has none. Afterwards it is as it was:
 * processes that this one starts decide for themselves.
 */
export function withInstrumentations<T>(work: () => T): T {
  if (process.env[ENABLED]) return work();
  process.env[ENABLED] = INSTRUMENTATIONS;
  try {
    return work();
  } finally {
    delete process.env[ENABLED];
  }
}
