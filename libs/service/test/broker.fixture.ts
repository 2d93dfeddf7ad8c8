import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { localConfigFromEnv, provideNatsServer, startNats, type NatsServer } from '@sliceway/local';

/** A nats-server of this test's own, and connections to it. */
export class Broker {
  readonly #connections: NatsConnection[] = [];

  private constructor(
    private server: NatsServer,
    private readonly binary: string,
    private readonly args: readonly string[],
    private readonly environment: NodeJS.ProcessEnv,
    readonly directory: string,
  ) {}

  /** @param args more of nats-server's */
  static async start(args: readonly string[] = [], environment = process.env): Promise<Broker> {
    const source = await provideNatsServer({ config: { ...localConfigFromEnv(), natsUrl: null } });
    if (!('binary' in source)) throw new Error('These tests start a nats-server of their own; unset NATS_URL.');
    const directory = await mkdtemp(join(tmpdir(), 'sliceway-service-'));
    const server = await startNats({ binary: source.binary, args, environment, logFile: join(directory, 'nats.log') });
    return new Broker(server, source.binary, args, environment, directory);
  }

  get url(): string {
    return this.server.url;
  }

  async connect(options: ConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url, ...options });
    this.#connections.push(connection);
    return connection;
  }

  /** Stops the server without a word to its clients; `up` brings it back on the same port. */
  down(): Promise<void> {
    return this.server.stop();
  }

  async up(): Promise<void> {
    const port = Number(new URL(this.url).port);
    this.server = await startNats({
      binary: this.binary,
      args: this.args,
      environment: this.environment,
      port,
      logFile: join(this.directory, 'nats.log'),
    });
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) await connection.close();
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
