import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type LocalCluster, type NatsServer, provideNatsServer, startCluster, startNats } from '@sliceway/local';
import { tinyModel } from '@sliceway/testing';
import { type Answer, StreamClient } from './stream-client.js';

/** One more than this is refused by decode; the batches of these benchmarks are smaller or just as large. */
export const MAX_RUNNING = 32;

/** What nats-server's monitoring says of its clients' messages. */
export interface BrokerCounts {
  /** Published by clients. */
  readonly in_msgs: number;
}

/** A cluster on a broker with monitoring. */
export class BenchCluster {
  readonly client: StreamClient;

  private constructor(
    readonly cluster: LocalCluster,
    readonly model: string,
    private readonly nats: NatsServer,
    private readonly folder: string,
  ) {
    this.client = new StreamClient(cluster.gatewayUrl);
  }

  /** @param model a file; default: the tiny model */
  static async start(env: Readonly<Record<string, string>> = {}, model?: string): Promise<BenchCluster> {
    const source = await provideNatsServer();
    if ('url' in source)
      throw new Error('these benchmarks count the messages of a broker of their own: unset NATS_URL');
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-bench-'));
    const logFile = join(folder, 'nats-server.log');
    // -1 is any free port.
    const nats = await startNats({ binary: source.binary, logFile, args: ['--http_port', '-1'] });
    const modelPath = model ?? tinyModel(folder);
    try {
      const cluster = await startCluster({
        model: modelPath,
        natsUrl: nats.url,
        logDirectory: folder,
        env: {
          SLICEWAY_BACKEND: 'wasm',
          SLICEWAY_KV_MEMORY_MB: '64',
          SLICEWAY_MAX_RUNNING: String(MAX_RUNNING),
          ...env,
        },
      });
      return new BenchCluster(cluster, basename(modelPath, '.gguf'), nats, folder);
    } catch (error) {
      await nats.stop();
      throw error;
    }
  }

  /** Streams an answer of exactly `tokens` tokens, the same one for the same `seed`. */
  chat(seed: number, tokens: number): Promise<Answer> {
    return this.client.post('/v1/chat/completions', {
      model: this.model,
      messages: [{ role: 'user', content: `story ${seed}` }],
      stream: true,
      stream_options: { include_usage: true },
      seed,
      max_tokens: tokens,
      ignore_eos: true,
    });
  }

  async brokerCounts(): Promise<BrokerCounts> {
    const port = /http monitor on \S+:(\d+)/.exec(this.nats.process.tail)?.[1];
    return (await (await fetch(`http://127.0.0.1:${port}/varz`)).json()) as BrokerCounts;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.cluster.stop();
    await this.nats.stop();
    rmSync(this.folder, { recursive: true });
  }
}
