import { types } from 'node:util';
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { HELLO, RINGS_CHANNEL } from '../recording/thread-writer.js';

/** Rings that the threads of this process announce, heard from now on. */
export class AnnouncedRings {
  readonly #channel = new BroadcastChannel(RINGS_CHANNEL);
  readonly #onRing: (buffer: SharedArrayBuffer) => void;

  /** @param onRing gets each of them, perhaps more than once */
  constructor(onRing: (buffer: SharedArrayBuffer) => void) {
    this.#onRing = onRing;
    this.#channel.onmessage = (event) => this.#take((event as { data: unknown }).data);
    this.#channel.unref();
  }

  /** Threads that live announce theirs again. */
  ask(): void {
    this.#channel.postMessage(HELLO);
  }

  /** Those that were announced and that the event loop has not come to yet. */
  hear(): void {
    // Node takes a BroadcastChannel, too; its types do not say so.
    const port = this.#channel as unknown as MessagePort;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      this.#take(next.message);
    }
  }

  close(): void {
    this.#channel.close();
  }

  #take(announced: unknown): void {
    // `instanceof` would miss those of another realm.
    if (types.isSharedArrayBuffer(announced)) this.#onRing(announced);
  }
}
