import type { ContextCarrier } from './context-carrier.js';
import { SharedControl } from './recording/shared-control.js';
import { OwnContext, ReceivedContext } from './trace-context.js';

const control = SharedControl.ofProcess();
const received = new ReceivedContext();

/** Counts a context that is malformed, for who leaves the reading to others: OpenTelemetry's SDK ignores it without a word. */
export function countMalformed(carrier: ContextCarrier): void {
  received.read(carrier);
  if (received.isMalformed || received.own === OwnContext.malformed) control.countMalformed();
}
