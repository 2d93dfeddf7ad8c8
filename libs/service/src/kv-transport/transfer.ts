import type { FailureCode } from '@sliceway/protocol';
import type { KvTransferId } from './kv-transport.js';
import type { TransferOptions, TransferWire } from './transfer-options.js';

/** What both ends of a transfer are: open until exactly one end, with a timer while they are. */
export abstract class Transfer<Wire extends TransferWire = TransferWire> {
  /** When its partner was heard last; its own start before that. */
  protected heardMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #ended = false;
  #closed = false;

  constructor(
    protected readonly id: KvTransferId,
    private readonly events: { onFailed(code: FailureCode, message: string): void },
    protected readonly wire: Wire,
    protected readonly options: TransferOptions,
  ) {
    this.#timer = setInterval(() => this.tick(performance.now()), options.probeMs / 2);
  }

  close(): void {
    this.#closed = true;
    this.end();
  }

  protected get ended(): boolean {
    return this.#ended;
  }

  protected abstract tick(nowMs: number): void;

  protected end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.wire.onClosed();
  }

  /** Tells the owner, unless it closes the transfer before it can be told. */
  protected tell(event: () => void): void {
    this.wire.later(() => {
      if (!this.#closed) event();
    });
  }

  protected fail(code: FailureCode, message: string): void {
    if (this.#ended) return;
    this.end();
    this.tell(() => this.events.onFailed(code, message));
  }
}
