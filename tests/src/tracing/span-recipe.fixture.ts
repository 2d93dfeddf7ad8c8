import type { TraceAttributes } from '@sliceway/tracing';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';

/** All of a span, to be written into a ring. Ids are hex. */
export interface SpanRecipe {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** Span id of the slice before it. */
  readonly previous?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly status?: number;
  readonly statusMessage?: string;
  readonly startTs: number;
  readonly endTs: number;
  readonly attributes: TraceAttributes;
  readonly events: readonly { readonly name: string; readonly ts: number; readonly attributes: TraceAttributes }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: TraceAttributes;
  }[];
  /** Of a batch step; who has the same array as the span before it refers to the same record. */
  readonly members?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly droppedEvents?: number;
  readonly droppedLinks?: number;
  /** The library's own if not given. */
  readonly scope?: string;
}

const NONE = '0'.repeat(16);

function words(hex: string): number[] {
  const bytes = Buffer.from(hex, 'hex');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(i * 4));
}

/** A ring with these spans. */
export function writeSpan(recipes: readonly SpanRecipe[], epoch: number, writer = new SpanWriter()): SharedArrayBuffer {
  let members: SpanRecipe['members'];
  let membersId = -1;
  for (const recipe of recipes) {
    if (recipe.members && !(recipe.members === members && writer.hasMembers(membersId))) {
      writer.beginMembers();
      for (const each of recipe.members) writer.member(words(each.traceId + each.spanId));
      membersId = writer.commitMembers();
      members = recipe.members;
    }
    const {
      traceId,
      spanId,
      parentSpanId = NONE,
      previous = NONE,
      traceState,
      name,
      kind,
      status = 0,
      statusMessage,
    } = recipe;
    const trace = words(traceId);
    const [span0, span1, ...above] = words(spanId + parentSpanId + previous);
    const nameId = writer.nameId(name);
    const scope = recipe.scope === undefined ? -1 : writer.nameId(recipe.scope);
    if (!writer.begin(nameId, recipe.startTs, recipe.endTs, trace, epoch, scope, kind | (status << 4))) {
      throw new Error('the ring is full');
    }
    writer.ids(span0!, span1!, ...above);
    if (nameId < 0) writer.name(name);
    if (statusMessage !== undefined) writer.statusMessage(statusMessage);
    if (traceState !== undefined) writer.traceState(traceState);
    writer.attributes(recipe.attributes);
    for (const event of recipe.events) {
      writer.event(event.name, event.ts);
      writer.attributes(event.attributes);
    }
    for (const link of recipe.links) {
      const [linked0, linked1] = words(link.spanId);
      writer.link(words(link.traceId), linked0!, linked1!);
      writer.attributes(link.attributes);
    }
    if (recipe.members) writer.linkMembers();
    writer.commit(recipe.droppedEvents, recipe.droppedLinks);
  }
  return writer.buffer;
}
