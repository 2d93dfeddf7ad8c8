import { chooseDestinations } from '../export/choose-destinations.js';
import { type Environment, readOtelConfig } from '../export/otel.config.js';

/** Instrumentations that are on unless the environment names others: of HTTP, and of Node.js itself. */
const INSTRUMENTATIONS = 'http,runtime-node';
const ENABLED = 'OTEL_NODE_ENABLED_INSTRUMENTATIONS';

/**
 * Whether anything is to be patched: not where spans go nowhere, since the context that follows every promise costs a gateway
 * under overload a tenth of its goodput.
 */
export function isInstrumented(environment: Environment = process.env): boolean {
  const { names } = chooseDestinations({ resource: {} }, readOtelConfig(environment));
  return names.length > 0 && environment['SLICEWAY_TRACE_LEVEL'] !== '0';
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
