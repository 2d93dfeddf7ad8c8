import type { TraceAttributes } from '../request-trace.js';
import type { SpanRef } from '../span-ids.js';
import type { TraceLevel } from '../trace-level.js';

/** A link that a span will have. */
export interface PendingLink {
  readonly kind: string;
  readonly to: SpanRef;
}

/** An open slice; a trace uses the same few frames again and again. */
export class SliceFrame {
  name = '';
  startTs = 0;
  /** Its span id. */
  id0 = 0;
  id1 = 0;
  /** Span id of the slice before it, for one of the first level. */
  previous0 = 0;
  previous1 = 0;
  /** The trace's level includes it, as far as that is known. */
  isRecorded = false;
  isAnonymous = false;
  /** It hangs on the thread, not on another slice. */
  isFirstLevel = false;
  /** Something hangs on it, so it has to be there. */
  hasNested = false;
  /** Of an anonymous one, as its start had it. */
  level: TraceLevel | undefined = undefined;
  attributes: Record<string, TraceAttributes[string]> | null = null;
  links: PendingLink[] | null = null;
  /** The batch step that it was part of. */
  batch: SpanRef | null = null;
}
