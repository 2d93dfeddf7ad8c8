import type { TraceAttributes } from '../request-trace.js';
import { MAX_EVENTS } from './record-format.js';
import type { SpanWriter } from './span-writer.js';

/** Past it the later ones are counted as dropped. */
const MAX_WAITING = 1024;

interface WaitingEvent {
  readonly name: string;
  readonly ts: number;
  readonly attributes: TraceAttributes | undefined;
}

/** Events that wait for the slice that they fall into. */
export class WaitingEvents {
  readonly #events: WaitingEvent[] = [];
  #dropped = 0;

  add(name: string, ts: number, attributes: TraceAttributes | undefined): void {
    if (this.#events.length >= MAX_WAITING) this.#dropped++;
    else this.#events.push({ name, ts, attributes });
  }

  /** Writes those between two times to the span that was begun. @returns how many were too many */
  write(writer: SpanWriter, startTs: number, endTs: number): number {
    const events = this.#events;
    let left = 0;
    let written = 0;
    let dropped = 0;
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      if (event.ts < startTs || event.ts > endTs) events[left++] = event;
      else if (written >= MAX_EVENTS || !writer.event(event.name, event.ts)) dropped++;
      else {
        written++;
        if (event.attributes !== undefined) writer.attributes(event.attributes);
      }
    }
    events.length = left;
    return dropped;
  }

  /** Writes all that is left. @returns how many there were no places for, since the start */
  writeRest(writer: SpanWriter): number {
    const dropped = this.write(writer, -Infinity, Infinity) + this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
