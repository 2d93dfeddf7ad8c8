/** Nest's envelope of an event. */
export function eventPacket(subject: string, data: unknown): string {
  return JSON.stringify({ pattern: subject, data });
}

export interface NestPacket {
  readonly data: unknown;
  /** Of a request; its reply carries it back. */
  readonly id?: string;
}

/** Nest's envelope of a reply. */
export function replyPacket(request: NestPacket, response: unknown): string {
  return JSON.stringify({ response, isDisposed: true, id: request.id });
}
