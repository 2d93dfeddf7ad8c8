import assert from 'node:assert/strict';
import { ask } from '../ask-cluster.fixture.js';
import type { KubeCluster } from './kube-cluster.js';

/** Streams without a pause, a few at a time, until it is stopped. */
export class Load {
  #isOver = false;
  #answered = 0;
  readonly #clients: Promise<void>[];

  constructor(cluster: KubeCluster, clients: number, maxTokens: number, expected: string) {
    this.#clients = Array.from({ length: clients }, async () => {
      while (!this.#isOver) {
        const { texts } = await ask(cluster, { maxTokens });
        assert.equal(texts[0], expected, 'an answer under load is another one');
        this.#answered++;
      }
    });
    // The first loss ends the others; `stop` tells of it.
    for (const client of this.#clients) client.catch(() => (this.#isOver = true));
  }

  get answered(): number {
    return this.#answered;
  }

  /** Waits for those under way. @throws when one was lost @returns how many were answered */
  async stop(): Promise<number> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    return this.#answered;
  }
}
