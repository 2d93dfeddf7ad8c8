import { now } from '../clock.js';
import type { MessageSpan, MessageSpanOptions } from '../message-span.js';
import { AttributeName, LinkKind, MESSAGING_SYSTEM, MessageOperation } from '../names.js';
import { bitsToHex, hexToBits, spanIdHigh, spanIdLow } from '../span-ids.js';
import { SpanKind, SpanStatus } from '../trace-span.js';
import type { RequestSpan } from './request-span.js';

/** A message span that is under way. It knows its parent by id only, which may be over when this one ends. */
export class RecordedMessage implements MessageSpan {
  readonly #startTs: number;
  readonly #id0 = spanIdHigh();
  readonly #id1 = spanIdLow();
  #isEnded = false;

  /** @param parent span id, two words */
  constructor(
    private readonly request: RequestSpan,
    private readonly parent: readonly [number, number],
    private readonly options: MessageSpanOptions,
  ) {
    this.#startTs = options.startTs ?? now();
  }

  get spanId(): string {
    return bitsToHex(this.#id0) + bitsToHex(this.#id1);
  }

  end(error?: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { kind, destination, producer } = this.options;
    const { ids } = this.request;
    const { writer, rid, epoch } = this.request.options;
    const operation = kind === SpanKind.producer ? MessageOperation.send : MessageOperation.process;
    const name = `${operation} ${destination.template}`;
    const nameId = writer.nameId(name);
    const flags = kind | (error === undefined ? 0 : SpanStatus.error << 4);
    if (!writer.begin(nameId, this.#startTs, Math.max(this.#startTs, now()), ids, epoch, -1, flags)) {
      this.request.dropped++;
      return;
    }
    const [parent0, parent1] = this.parent;
    writer.ids(this.#id0, this.#id1, parent0, parent1);
    if (nameId < 0) writer.name(name);
    if (error !== undefined) writer.statusMessage(error);
    writer.attribute(AttributeName.messagingSystem, MESSAGING_SYSTEM);
    writer.attribute(AttributeName.messagingOperationName, operation);
    writer.attribute(AttributeName.messagingOperationType, operation);
    writer.attribute(AttributeName.messagingDestinationName, destination.name);
    writer.attribute(AttributeName.messagingDestinationTemplate, destination.template);
    writer.attribute(AttributeName.messagingClientId, destination.clientId);
    writer.attribute(AttributeName.messagingConversationId, rid);
    if (producer !== undefined) this.#link(producer);
    writer.commit();
  }

  /** A message is about one request: its producer is of the same trace. */
  #link(producer: string): void {
    const { writer } = this.request.options;
    writer.link(this.request.ids, hexToBits(producer, 0), hexToBits(producer, 8));
    writer.attribute(AttributeName.linkKind, LinkKind.message);
  }
}
