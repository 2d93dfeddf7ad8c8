import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { LocalEngine, type GenerateParams } from '@sliceway/engine';
import {
  provideNatsServer,
  startCluster,
  startNats,
  type ClusterProcess,
  type LocalCluster,
  type NatsServer,
  type Role,
} from '@sliceway/local';

export interface ClusterUnderTestOptions {
  readonly modelPath: string;
  readonly kvMemoryMb: number;
  readonly counts?: Partial<Record<Role, number>>;
}

export interface Answer {
  readonly texts: string[];
  readonly finishReasons: (string | null)[];
  readonly completionTokens: number;
  readonly error: string | null;
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/** A cluster of real processes on a broker of its own, beside a LocalEngine with the same model: the reference. */
export class ClusterUnderTest {
  private constructor(
    readonly cluster: LocalCluster,
    readonly local: LocalEngine,
    readonly model: string,
    private readonly nats: NatsServer,
    private readonly monitorPort: number,
    private readonly folder: string,
  ) {}

  static async start({ modelPath, kvMemoryMb, counts = {} }: ClusterUnderTestOptions): Promise<ClusterUnderTest> {
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-cluster-'));
    const source = await provideNatsServer();
    if (!('binary' in source)) throw new Error('these tests look into a broker of their own: unset NATS_URL');
    const monitorPort = await freePort();
    const nats = await startNats({
      binary: source.binary,
      logFile: join(folder, 'nats.log'),
      args: ['-m', String(monitorPort)],
    });
    const [cluster, local] = await Promise.all([
      startCluster({
        model: modelPath,
        counts,
        natsUrl: nats.url,
        logDirectory: folder,
        port: 0,
        env: { SLICEWAY_KV_MEMORY_MB: String(kvMemoryMb), SLICEWAY_HEARTBEAT_INTERVAL_MS: '200', LOG_LEVEL: 'warn' },
      }),
      LocalEngine.start({ modelPath, kvMemoryMb }),
    ]);
    return new ClusterUnderTest(cluster, local, basename(modelPath, '.gguf'), nats, monitorPort, folder);
  }

  get natsUrl(): string {
    return this.nats.url;
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.nats.stop();
    await this.local.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  post(body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.cluster.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: this.model, ignore_eos: true, temperature: 0, ...body }),
      ...(signal ? { signal } : {}),
    });
  }

  /** Streams an answer; an error of the stream is part of it. @param onChunk called with the chunks so far */
  async stream(
    content: string,
    body: object = {},
    signal?: AbortSignal,
    onChunk: (count: number) => void = () => {},
  ): Promise<Answer> {
    const messages = [{ role: 'user', content }];
    const response = await this.post(
      { messages, stream: true, stream_options: { include_usage: true }, ...body },
      signal,
    );
    if (!response.ok || !response.body)
      throw new Error(`the gateway answered ${response.status}: ${await response.text()}`);
    const texts: string[] = [];
    const finishReasons: (string | null)[] = [];
    let completionTokens = 0;
    let chunks = 0;
    for await (const chunk of readEvents(response.body)) {
      if (chunk.error) return { texts, finishReasons, completionTokens, error: chunk.error.message };
      for (const { index, delta, finish_reason } of chunk.choices) {
        texts[index] = (texts[index] ?? '') + (delta.content ?? '');
        finishReasons[index] = finish_reason ?? finishReasons[index] ?? null;
      }
      completionTokens = chunk.usage?.completion_tokens ?? completionTokens;
      onChunk(++chunks);
      signal?.throwIfAborted();
    }
    return { texts, finishReasons, completionTokens, error: null };
  }

  /** What LocalEngine answers. */
  async expected(content: string, params: GenerateParams): Promise<string[]> {
    const texts = Array.from({ length: params.choices ?? 1 }, () => '');
    for await (const { choice, text } of this.local.generate(
      { messages: [{ role: 'user', content }] },
      { ignoreEos: true, ...params },
    )) {
      texts[choice] += text;
    }
    return texts;
  }

  /** Sum of a metric over a process's series. */
  async metric(process: ClusterProcess, name: string): Promise<number> {
    const text = await (await fetch(`${process.url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Pages and requests that anybody still holds. */
  async held(): Promise<number> {
    const values = await Promise.all(
      this.cluster.processes
        .filter(({ isRunning }) => isRunning)
        .flatMap((process) =>
          ['sliceway_kv_pages_used', 'sliceway_requests_active'].map((name) => this.metric(process, name)),
        ),
    );
    return values.reduce((a, b) => a + b, 0);
  }

  async subscriptions(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.monitorPort}/subsz`);
    return ((await response.json()) as { num_subscriptions: number }).num_subscriptions;
  }
}

/** Polls until a figure is as wanted. @returns the last one */
export async function settles(read: () => Promise<number>, wanted: number, timeoutMs: number): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  let value = await read();
  while (value !== wanted && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    value = await read();
  }
  return value;
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Chunk> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines)
      if (line.startsWith('data: ') && line !== 'data: [DONE]') yield JSON.parse(line.slice(6)) as Chunk;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
