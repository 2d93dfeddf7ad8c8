import { BroadcastChannel } from 'node:worker_threads';
import { SharedControl } from './shared-control.js';
import { SpanWriter } from './span-writer.js';

/** Where threads say that they have a ring; the exporter asks for all of them with `HELLO`. */
export const RINGS_CHANNEL = 'sliceway.tracing.rings';
export const HELLO = 'hello';

let writer: SpanWriter | undefined;

/** The ring of this JavaScript thread, made when the first span needs it. */
export function threadWriter(): SpanWriter {
  return (writer ??= announced(new SpanWriter()));
}

function announced(made: SpanWriter): SpanWriter {
  const channel = new BroadcastChannel(RINGS_CHANNEL);
  channel.onmessage = (event) => {
    const isAsked = (event as { data: unknown }).data === HELLO;
    if (isAsked && SharedControl.ofProcess().enabled) channel.postMessage(made.buffer);
  };
  // Tracing keeps no thread alive.
  channel.unref();
  channel.postMessage(made.buffer);
  return made;
}
