/** A stretch of the critical path. */
export interface Segment {
  /** Of a slice; `hop:<from>><to>`, or `unattributed`. */
  readonly name: string;
  /** Null of a hop and of what is not attributed. */
  readonly service: string | null;
  /** Label of the thread. */
  readonly thread: string | null;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Of the slice; not there where the request's level leaves that slice out. */
  readonly spanId?: string;
}

export const UNATTRIBUTED = 'unattributed';

/** What lies between two services: a message on its way. */
export function hopName(from: string, to: string): string {
  return `hop:${from}>${to}`;
}

export function isHop({ name }: Segment): boolean {
  return name.startsWith('hop:');
}

/** Appends a segment; one that takes no time is left out, one that goes on with the last is joined to it. */
export function appendSegment(path: Segment[], segment: Segment): void {
  if (segment.endNs <= segment.startNs) return;
  const last = path.at(-1);
  const goesOn = last?.endNs === segment.startNs && last.name === segment.name && last.spanId === segment.spanId;
  if (goesOn) path[path.length - 1] = { ...last, endNs: segment.endNs };
  else path.push(segment);
}
