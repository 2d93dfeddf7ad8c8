import type { ContextCarrier } from './context-carrier.js';
import { SharedControl } from './recording/shared-control.js';
import { OwnContext, ReceivedContext } from './trace-context.js';

const control = SharedControl.ofProcess();
const received = new ReceivedContext();

/** Counts a context that is malformed, for who leaves the reading to others: OpenTelemetry's SDK ignores it without a word. */
export function countMalformed(carrier: ContextCarrier): void {
  readCounted(received, carrier);
}

/** As `context.read`; what is malformed is counted. */
export function readCounted(context: ReceivedContext, carrier: ContextCarrier): boolean {
  const isThere = context.read(carrier);
  if (context.isMalformed || context.own === OwnContext.malformed) control.countMalformed();
  return isThere;
}
