import { AttributeName, LinkKind, SliceName } from '../names.js';
import { kvSpanIds } from '../span-ids.js';
import { max, min } from './explainers.js';
import { addBatchStep, KV_ATTRIBUTES, type SampleParts } from './sample-parts.fixture.js';
import type { SpanDraft, ThreadDraft } from './trace-builder.fixture.js';

export type LegTimes = ReturnType<typeof legTimes>;

/** When what happens in prefill and decode, both of which the gateway sends their legs at once. */
export function legTimes({ take }: SampleParts, sentNs: bigint) {
  const prefillNs = sentNs + take('hop:gateway>prefill');
  const preparedNs = prefillNs + take('prefill_prepare');
  const decodeNs = sentNs + take('hop:gateway>decode');
  const reservedNs = decodeNs + take('decode_prepare');
  const bootNs = max(preparedNs, reservedNs + take('hop:decode>prefill'));
  const forwardNs = bootNs + take('prefill_waiting');
  const firstTokenNs = forwardNs + take('prefill_forward');
  const kvStartNs = min(firstTokenNs, forwardNs + take('kv_first_chunk'));
  const kvHopNs = take('hop:prefill>decode');
  const kvInNs = max(reservedNs, kvStartNs + kvHopNs);
  const kvWholeNs = max(kvInNs, firstTokenNs + take('kv_tail') + kvHopNs);
  const acknowledgedNs = kvWholeNs + take('kv_acknowledged');
  const joinedNs = kvWholeNs + take('decode_waiting');
  return {
    prefillNs,
    preparedNs,
    bootNs,
    forwardNs,
    firstTokenNs,
    kvStartNs,
    acknowledgedNs,
    decodeNs,
    reservedNs,
    kvInNs,
    kvWholeNs,
    joinedNs,
  };
}

/** Prefill up to the end of its wait for decode. */
export function bootstrapPrefill({ builder, request }: SampleParts, times: LegTimes, previous: string | null) {
  const { prefillNs, preparedNs, bootNs } = times;
  const root = request('prefill', prefillNs);
  const scheduler = builder.thread('prefill', 'scheduler', root, prefillNs, bootNs, { previous });
  builder.slice('prefill', scheduler, SliceName.prefillPrepare, prefillNs, preparedNs);
  const bootstrap = builder.slice('prefill', scheduler, SliceName.prefillBootstrap, preparedNs, bootNs);
  builder.extend(root, 'prefill', bootNs);
  return { root, scheduler, bootstrap };
}

/** The rest of prefill. */
export function runPrefill(parts: SampleParts, times: LegTimes, root: SpanDraft, scheduler: ThreadDraft): void {
  const { builder, roomId } = parts;
  const { bootNs, forwardNs, firstTokenNs, kvStartNs, acknowledgedNs } = times;
  const waiting = builder.slice('prefill', scheduler, SliceName.prefillWaiting, bootNs, forwardNs)!;
  builder.extend(scheduler.span, 'prefill', forwardNs);
  Object.assign(waiting.attributes, { [AttributeName.queuePosition]: 2, [AttributeName.tokensAhead]: 900 });
  const engine = builder.thread('prefill', 'engine', root, forwardNs, firstTokenNs, { previous: waiting.spanId });
  const forward = builder.slice('prefill', engine, SliceName.prefillForward, forwardNs, firstTokenNs)!;
  Object.assign(forward.attributes, { [AttributeName.tokens]: 512, [AttributeName.cachedTokens]: 0 });
  const chunk = builder.nested('prefill', forward, SliceName.chunkedPrefill, forwardNs, firstTokenNs);
  addBatchStep(parts, 'prefill', chunk ?? forward, 7, forwardNs, firstTokenNs);
  const previous = forward.spanId;
  const sender = builder.thread('prefill', 'kv_sender', root, kvStartNs, acknowledgedNs, { previous });
  const transfer = builder.slice('prefill', sender, SliceName.prefillTransferKvCache, kvStartNs, acknowledgedNs)!;
  const { prefill, decode } = kvSpanIds(roomId);
  transfer.spanId = prefill;
  builder.link(transfer, LinkKind.kv, decode);
  Object.assign(transfer.attributes, KV_ATTRIBUTES);
  builder.extend(root, 'prefill', max(acknowledgedNs, firstTokenNs));
}

/** Decode until it has the KV and the sequence joins the batch. @returns span id of its last slice */
export function receiveKv(parts: SampleParts, times: LegTimes, previous: string | null): string {
  const { builder, options, request, roomId } = parts;
  const { decodeNs, reservedNs, kvInNs, kvWholeNs, joinedNs } = times;
  const endNs = options.quick ? kvWholeNs : joinedNs;
  const root = request('decode', decodeNs);
  const scheduler = builder.thread('decode', 'scheduler', root, decodeNs, endNs, { previous });
  builder.slice('decode', scheduler, SliceName.decodePrepare, decodeNs, reservedNs);
  builder.slice('decode', scheduler, SliceName.decodeBootstrap, reservedNs, kvInNs);
  const received = builder.slice('decode', scheduler, SliceName.decodeTransferred, kvInNs, kvWholeNs)!;
  const { prefill, decode } = kvSpanIds(roomId);
  scheduler.previous = received.spanId = decode;
  builder.link(received, LinkKind.kv, prefill);
  Object.assign(received.attributes, KV_ATTRIBUTES);
  builder.extend(root, 'decode', endNs);
  if (options.quick) return decode;
  const waiting = builder.slice('decode', scheduler, SliceName.decodeWaiting, kvWholeNs, joinedNs)!;
  Object.assign(waiting.attributes, { [AttributeName.queuePosition]: 0, [AttributeName.tokensAhead]: 0 });
  return waiting.spanId;
}
