import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { decodeCreditFrame, decodeKvFrame, kvFrameBytes, subjects, type Bootstrap } from '@sliceway/protocol';
import { BoundedMap } from './bounded-map.js';
import type { KvReceiver, KvSender, KvSink, KvSource, KvTransferId, KvTransport, ReceiverEvents, SenderEvents } from './kv-transport.js';
import { ReceiverTransfer } from './receiver-transfer.js';
import { SenderTransfer } from './sender-transfer.js';
import { PROBE_MS, type TransferOptions } from './transfer-options.js';

/** Larger frames would hold up tokens that share the connection. */
const MAX_FRAME_BYTES = 512 * 1024;
const MAX_CHOICES = 255;
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1024;

export interface NatsKvTransportOptions extends Omit<TransferOptions, 'probeMs'> {
  readonly connection: NatsConnection;
  readonly role: 'prefill' | 'decode';
  readonly probeMs?: number;
  readonly publishBootstrap: (prefill: string, bootstrap: Bootstrap) => void;
  readonly onBadFrame: (error: unknown) => void;
}

type TransferKey = Omit<KvTransferId, 'peer'>;
const keyOf = ({ rid, choice, attempt, room }: TransferKey): string => `${rid}/${choice}/${attempt}/${room}`;

/** KV over the raw NATS connection: one subscription a process, its frames told apart by request, attempt and room. */
export class NatsKvTransport implements KvTransport {
  readonly name = 'nats';
  readonly #senders = new Map<string, SenderTransfer>();
  readonly #receivers = new Map<string, ReceiverTransfer>();
  /** Bootstraps that came before their legs. */
  readonly #early = new BoundedMap<string, Bootstrap>(MAX_REMEMBERED, REMEMBERED_MS);
  /** Last credits of transfers that are whole, for a prefill that did not get one. */
  readonly #completed = new BoundedMap<string, Uint8Array>(MAX_REMEMBERED, REMEMBERED_MS);
  readonly #subscription: Subscription;
  readonly #transfer: TransferOptions;

  constructor(private readonly options: NatsKvTransportOptions) {
    const { connection, role, instance } = options;
    this.#transfer = { ...options, probeMs: options.probeMs ?? PROBE_MS };
    const subject = role === 'prefill' ? subjects.credit(instance) : subjects.kv(instance);
    const receive = role === 'prefill' ? (bytes: Uint8Array) => this.#onCredit(bytes) : (bytes: Uint8Array) => this.#onFrame(bytes);
    this.#subscription = connection.subscribe(subject, { callback: (error, message) => this.#guard(error, () => receive(message.data)) });
  }

  get open(): number {
    return this.#senders.size + this.#receivers.size;
  }

  openSender(id: KvTransferId, source: KvSource, events: SenderEvents): KvSender {
    const key = keyOf(id);
    const { connection } = this.options;
    const maxFrameBytes = Math.min(connection.info?.max_payload ?? MAX_FRAME_BYTES, MAX_FRAME_BYTES);
    const wire = {
      transportName: this.name,
      // A block larger than a frame of the usual size still has to fit into one message.
      maxPayloadBytes: Math.max(maxFrameBytes - kvFrameBytes(MAX_CHOICES, 0), this.options.pageBlockBytes),
      publish: (frame: Uint8Array) => this.#publish(subjects.kv(id.peer), frame),
      onClosed: () => this.#senders.delete(key),
    };
    const sender = new SenderTransfer(id, source, events, wire, this.#transfer);
    this.#senders.set(key, sender);
    const bootstrap = this.#early.take(key);
    if (bootstrap) queueMicrotask(() => sender.onBootstrap(bootstrap));
    return sender;
  }

  openReceiver(id: KvTransferId, sink: KvSink, events: ReceiverEvents): KvReceiver {
    const key = keyOf(id);
    const wire = {
      transportName: this.name,
      publishBootstrap: (bootstrap: Bootstrap) => this.options.publishBootstrap(id.peer, bootstrap),
      publishCredit: (frame: Uint8Array) => this.#publish(subjects.credit(id.peer), frame),
      remember: (credit: Uint8Array) => this.#completed.set(key, credit),
      onClosed: () => this.#receivers.delete(key),
    };
    const receiver = new ReceiverTransfer(id, sink, events, wire, this.#transfer);
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
    for (const transfer of [...this.#senders.values(), ...this.#receivers.values()]) transfer.close();
  }

  #onFrame(bytes: Uint8Array): void {
    const frame = decodeKvFrame(bytes);
    const key = keyOf(frame);
    const receiver = this.#receivers.get(key);
    if (receiver) return receiver.onFrame(frame);
    const completed = this.#completed.get(key);
    if (completed) this.#publish(subjects.credit(frame.sender), completed);
  }

  #onCredit(bytes: Uint8Array): void {
    const credit = decodeCreditFrame(bytes);
    this.#senders.get(keyOf(credit))?.onCredit(credit);
  }

  #guard(error: Error | null, receive: () => void): void {
    try {
      if (error) throw error;
      receive();
    } catch (fault) {
      this.options.onBadFrame(fault);
    }
  }

  #publish(subject: string, frame: Uint8Array): void {
    const { connection } = this.options;
    if (!connection.isClosed()) connection.publish(subject, frame);
  }
}
