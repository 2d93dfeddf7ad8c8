import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { decodeCreditFrame, decodeKvFrame, kvFrameBytes, subjects, type Bootstrap } from '@sliceway/protocol';
import { BoundedMap } from './bounded-map.js';
import type {
  KvAnnouncement,
  KvReceiver,
  KvSender,
  KvSink,
  KvSource,
  KvTotals,
  KvTransferId,
  KvTransport,
  ReceiverEvents,
  SenderEvents,
} from './kv-transport.js';
import { ReceiverTransfer } from './receiver-transfer.js';
import { SenderTransfer } from './sender-transfer.js';
import { PROBE_MS, type TransferOptions } from './transfer-options.js';

/** Larger frames would hold up tokens that share the connection. */
const MAX_FRAME_BYTES = 512 * 1024;
const MAX_CHOICES = 255;
const OVERHEAD_BYTES = kvFrameBytes(MAX_CHOICES, 0);
/** nats-server drops a client for which more than 64 MiB wait; this leaves room for all else. */
const MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024;
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1024;

export interface NatsKvTransportOptions extends Omit<TransferOptions, 'probeMs'> {
  readonly connection: NatsConnection;
  readonly role: 'prefill' | 'decode';
  /** Frames of one transfer that may be on their way. */
  readonly window: number;
  readonly probeMs?: number;
  /** Bytes of all transfers that may be on their way to this decode. At least one frame of each is, whatever this says. */
  readonly maxInFlightBytes?: number;
  readonly publishBootstrap: (prefill: string, bootstrap: Bootstrap) => void;
  /** A frame or bootstrap that cannot be read or sent, or an event that threw. */
  readonly onBadFrame: (error: unknown) => void;
}

type TransferKey = Omit<KvTransferId, 'peer'>;
const keyOf = ({ rid, choice, attempt, room }: TransferKey): string => `${rid}/${choice}/${attempt}/${room}`;

/** KV over the raw NATS connection: one subscription a process, its frames told apart by request, attempt and room. */
export class NatsKvTransport implements KvTransport {
  readonly name = 'nats';
  readonly totals: KvTotals = {
    bytesSent: 0,
    framesSent: 0,
    framesResent: 0,
    bytesReceived: 0,
    framesReceived: 0,
    framesDamaged: 0,
    framesDuplicate: 0,
    framesUnknown: 0,
  };
  onWhole: KvTransport['onWhole'];
  readonly #senders = new Map<string, SenderTransfer>();
  readonly #receivers = new Map<string, ReceiverTransfer>();
  /** Bootstraps that came before their legs. */
  readonly #early = new BoundedMap<string, Bootstrap>(MAX_REMEMBERED, REMEMBERED_MS);
  /** Last credits of transfers that are whole, for a prefill that did not get one. */
  readonly #completed = new BoundedMap<string, { readonly subject: string; readonly credit: Uint8Array }>(
    MAX_REMEMBERED,
    REMEMBERED_MS,
  );
  readonly #announcements = new Set<NodeJS.Timeout>();
  readonly #subscription: Subscription;
  readonly #transfer: TransferOptions;
  readonly #maxFramesInFlight: number;

  /** @throws RangeError when a page block does not fit into a message */
  constructor(private readonly options: NatsKvTransportOptions) {
    const { connection, role, instance, pageBlockBytes } = options;
    this.#transfer = { ...options, probeMs: options.probeMs ?? PROBE_MS };
    const maxPayload = connection.info?.max_payload ?? MAX_FRAME_BYTES;
    if (pageBlockBytes + OVERHEAD_BYTES > maxPayload) {
      throw new RangeError(
        `a KV page block of ${pageBlockBytes} bytes does not fit into a message of ${maxPayload}: ` +
          'raise max_payload of nats-server, or lower SLICEWAY_PAGE_TOKENS',
      );
    }
    this.#maxFramesInFlight = Math.floor((options.maxInFlightBytes ?? MAX_IN_FLIGHT_BYTES) / this.#maxFrameBytes());
    const [subject, receive] =
      role === 'prefill'
        ? [subjects.credit(instance), (bytes: Uint8Array) => this.#onCredit(bytes)]
        : [subjects.kv(instance), (bytes: Uint8Array) => this.#onFrame(bytes)];
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => (error ? options.onBadFrame(error) : this.#guard(() => receive(message.data))),
    });
  }

  get open(): number {
    return this.#senders.size + this.#receivers.size + this.#announcements.size;
  }

  openSender(id: KvTransferId, source: KvSource, events: SenderEvents): KvSender {
    const key = keyOf(id);
    const wire = {
      transportName: this.name,
      totals: this.totals,
      maxPayloadBytes: this.#maxFrameBytes() - OVERHEAD_BYTES,
      publish: (frame: Uint8Array) => this.#publish(subjects.kv(id.peer), frame),
      later: (event: () => void) => this.#later(event),
      onClosed: () => this.#senders.delete(key),
    };
    const told: SenderEvents = {
      onOpen: () => events.onOpen(),
      onDone: () => {
        this.#whole(id, sender.bytesSent, sender.startedMs, sender.computedMs);
        events.onDone();
      },
      onFailed: (code, message) => events.onFailed(code, message),
    };
    const sender = new SenderTransfer(id, source, told, wire, this.#transfer);
    this.#senders.set(key, sender);
    const bootstrap = this.#early.take(key);
    if (bootstrap) sender.onBootstrap(bootstrap);
    return sender;
  }

  announce(id: KvTransferId): KvAnnouncement {
    const { rid, choice, attempt, room, peer } = id;
    const { instance, kvFormat, publishBootstrap } = this.options;
    const bootstrap = { rid, choice, attempt, room, decode: instance, transports: [this.name], kvFormat, window: 0 };
    const publish = (): void => this.#guard(() => publishBootstrap(peer, bootstrap));
    const timer = setInterval(publish, this.#transfer.probeMs);
    this.#announcements.add(timer);
    publish();
    return {
      close: () => {
        clearInterval(timer);
        this.#announcements.delete(timer);
      },
    };
  }

  openReceiver(id: KvTransferId, sink: KvSink, events: ReceiverEvents): KvReceiver {
    const key = keyOf(id);
    const subject = subjects.credit(id.peer);
    const wire = {
      transportName: this.name,
      totals: this.totals,
      window: () => this.#window(),
      publishBootstrap: (bootstrap: Bootstrap) => this.#guard(() => this.options.publishBootstrap(id.peer, bootstrap)),
      publishCredit: (frame: Uint8Array) => this.#publish(subject, frame),
      remember: (credit: Uint8Array) => this.#completed.set(key, { subject, credit }),
      later: (event: () => void) => this.#later(event),
      onClosed: () => this.#receivers.delete(key),
    };
    const told: ReceiverEvents = {
      onComplete: (firstTokens) => {
        this.#whole(id, receiver.bytesReceived, receiver.startedMs);
        events.onComplete(firstTokens);
      },
      onFailed: (code, message) => events.onFailed(code, message),
    };
    const receiver = new ReceiverTransfer(id, sink, told, wire, this.#transfer);
    this.#receivers.set(key, receiver);
    return receiver;
  }

  accept(bootstrap: Bootstrap): void {
    const key = keyOf(bootstrap);
    const sender = this.#senders.get(key);
    if (sender) sender.onBootstrap(bootstrap);
    else this.#early.set(key, bootstrap);
  }

  close(): void {
    this.#subscription.unsubscribe();
    for (const timer of this.#announcements) clearInterval(timer);
    this.#announcements.clear();
    for (const transfer of [...this.#senders.values(), ...this.#receivers.values()]) transfer.close();
  }

  /** Whole page blocks, one at least. */
  #maxFrameBytes(): number {
    const { connection, pageBlockBytes } = this.options;
    const usual = Math.min(connection.info?.max_payload ?? MAX_FRAME_BYTES, MAX_FRAME_BYTES);
    return Math.max(usual, pageBlockBytes + OVERHEAD_BYTES);
  }

  /** A transfer's share of what may be on its way here. */
  #window(): number {
    const share = Math.floor(this.#maxFramesInFlight / Math.max(1, this.#receivers.size));
    return Math.max(1, Math.min(share, this.options.window));
  }

  #onFrame(bytes: Uint8Array): void {
    const frame = decodeKvFrame(bytes);
    const key = keyOf(frame);
    const receiver = this.#receivers.get(key);
    if (receiver) return receiver.onFrame(frame);
    const completed = this.#completed.get(key);
    if (completed) this.#publish(completed.subject, completed.credit);
    else this.totals.framesUnknown++;
  }

  #onCredit(bytes: Uint8Array): void {
    const credit = decodeCreditFrame(bytes);
    const sender = this.#senders.get(keyOf(credit));
    if (sender) sender.onCredit(credit);
    else this.totals.framesUnknown++;
  }

  #whole({ rid }: KvTransferId, bytes: number, startedMs = performance.now(), computedMs?: number): void {
    const durationMs = performance.now() - startedMs;
    const overlap = computedMs === undefined || durationMs <= 0 ? null : (computedMs - startedMs) / durationMs;
    this.onWhole?.({ rid, bytes, durationMs, overlap });
  }

  /** What is thrown into nats.js ends its reader, and with it everything on this connection; into a timer, the process. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.options.onBadFrame(error);
    }
  }

  #later(event: () => void): void {
    queueMicrotask(() => this.#guard(event));
  }

  /** What cannot be sent now counts as lost on the way. */
  #publish(subject: string, frame: Uint8Array): void {
    const { connection } = this.options;
    this.#guard(() => {
      if (!connection.isClosed()) connection.publish(subject, frame);
    });
  }
}
