import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  localConfigFromEnv,
  provideNatsServer,
  startCluster,
  startNats,
  type LocalCluster,
  type NatsServer,
  type Role,
} from '@sliceway/local';
import { securedNats, tinyModel, type SecuredNats } from '@sliceway/testing';

export const API_KEY = 'key-of-a-client';
export const ADMIN_TOKEN = 'token-of-an-operator';

/** All that is there to keep others out: users and permissions of `infra/nats`, TLS if wanted, an API key and an admin token. */
export class SecuredCluster {
  private constructor(
    readonly cluster: LocalCluster,
    private readonly broker: NatsServer,
    private readonly nats: SecuredNats,
    private readonly tls: { readonly caFile: string } | null,
    private readonly folder: string,
  ) {}

  static async start({ tls }: { readonly tls: boolean }): Promise<SecuredCluster> {
    const source = await provideNatsServer({ config: { ...localConfigFromEnv(), natsUrl: null } });
    if (!('binary' in source)) throw new Error('these tests start a broker of their own');
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-secured-'));
    const nats = securedNats(join(folder, 'nats'), process.env, { tls });
    const logFile = join(folder, 'nats-server.log');
    const broker = await startNats({ binary: source.binary, args: nats.args, environment: nats.environment, logFile });
    const caFile = join(nats.tlsFolder, 'ca.crt');
    try {
      const cluster = await startCluster({
        model: tinyModel(folder),
        natsUrl: tls ? broker.url.replace('nats:', 'tls:') : broker.url,
        logDirectory: folder,
        env: (role) => ({
          NATS_USER: role,
          NATS_PASSWORD: nats.passwords[role],
          ...(tls ? { NATS_CA: caFile } : {}),
          LOG_LEVEL: 'debug',
          SLICEWAY_BACKEND: 'wasm',
          SLICEWAY_KV_MEMORY_MB: '2',
          ...(role === 'gateway' ? { SLICEWAY_API_KEYS: API_KEY, SLICEWAY_ADMIN_TOKEN: ADMIN_TOKEN } : {}),
        }),
      });
      return new SecuredCluster(cluster, broker, nats, tls ? { caFile } : null, folder);
    } catch (error) {
      await broker.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.broker.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** As an operator does. */
  operator(): Promise<NatsConnection> {
    const pass = this.nats.passwords.operator;
    return connect({ servers: this.broker.url, user: 'operator', pass, ...(this.tls ? { tls: this.tls } : {}) });
  }

  /** Lines of all logs, nats-server's too, that match. */
  logged(pattern: RegExp): string[] {
    const files = [this.broker.process.logFile, ...this.cluster.processes.map(({ logFile }) => logFile)];
    return files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => pattern.test(line)),
    );
  }

  passwordOf(role: Role): string {
    return this.nats.passwords[role];
  }
}
