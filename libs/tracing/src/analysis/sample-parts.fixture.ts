import { AttributeName, EventName, LinkKind, SpanName } from '../names.js';
import { TraceLevel } from '../trace-level.js';
import type { SpanDraft, TraceBuilder } from './trace-builder.fixture.js';

export const SAMPLE_RID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';

export interface SampleOptions {
  readonly level?: TraceLevel;
  readonly choices?: number;
  /** A decode worker is lost while the gateway waits for the first token; another attempt follows. */
  readonly retry?: boolean;
  /** The client leaves while it is streamed to. */
  readonly aborted?: boolean;
  /** The first token is the last. */
  readonly quick?: boolean;
  /** With the HTTP server's span and an outer parent above it; that is so if not given. */
  readonly http?: boolean;
  /** Tokens that decode makes. */
  readonly steps?: number;
  /** How long a slice, a `hop:<from>><to>` or another part takes; undefined for the usual. */
  readonly duration?: (part: string) => bigint | undefined;
  readonly hosts?: Record<string, string>;
  readonly skewNs?: Record<string, bigint>;
}

/** What the parts of one attempt are made with. */
export interface SampleParts {
  readonly builder: TraceBuilder;
  readonly options: SampleOptions;
  readonly take: (part: string) => bigint;
  /** 16 hex characters. */
  readonly roomId: string;
  /** The request span of a service, made when it is needed first. */
  readonly request: (role: string, startNs: bigint) => SpanDraft;
}

export const KV_ATTRIBUTES = {
  [AttributeName.bytes]: 12_582_912,
  [AttributeName.chunks]: 4,
  [AttributeName.megabytesPerSecond]: 380.5,
};

/** A forward's batch step, and what says so on its member. */
export function addBatchStep(
  { builder, options }: SampleParts,
  role: 'prefill' | 'decode',
  member: SpanDraft | null,
  bid: number,
  startNs: bigint,
  endNs: bigint,
): void {
  const attributes = { [AttributeName.bid]: bid, [AttributeName.batchSize]: 3, [AttributeName.forwardMode]: role };
  builder.event(role, member, EventName.schedule, startNs, attributes);
  if (member === null || builder.level < TraceLevel.normal) return;
  const step = builder.span(role, SpanName.batchStep, null, startNs, endNs);
  step.traceId = bid.toString(16).padStart(32, 'b');
  Object.assign(step.attributes, attributes, {
    [AttributeName.tokens]: 3,
    [AttributeName.threadLabel]: 'engine',
    [AttributeName.hostId]: options.hosts?.[role] ?? '0a1b2c3d',
    [AttributeName.pid]: role === 'prefill' ? 103 : 104,
  });
  builder.link(step, LinkKind.batch, member.spanId);
  builder.link(member, LinkKind.batch, step.spanId, step.traceId);
}
