import { connect } from 'node:net';
import { ManagedProcess } from './managed-process.js';
import { StartError, StartErrorCode } from './start-error.js';
import { waitUntilReady } from './wait-until-ready.js';

export interface NatsOptions {
  readonly binary: string;
  /** 0, the default, is a free one. */
  readonly port?: number;
  readonly logFile: string;
  /** More arguments, such as `['--config', path]`. */
  readonly args?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A nats-server of our own. */
export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  readonly process: ManagedProcess;
  /** Lame-duck mode is not waited for: clients see the connection close. */
  stop(timeoutMs?: number): Promise<void>;
}

const HOST = '127.0.0.1';

/**
 * Starts nats-server on a loopback port and waits until it greets a client.
 *
 * @throws StartError
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const { binary, port = 0, logFile, args = [], readyTimeoutMs = 10_000, signal } = options;
  let announce: (port: number) => void;
  const announced = new Promise<number>((resolve) => (announce = resolve));
  const server = new ManagedProcess({
    name: 'nats-server',
    command: binary,
    // -1 is "any free port" to nats-server, 0 its default one.
    args: ['--addr', HOST, '--port', String(port === 0 ? -1 : port), ...args],
    environment: options.environment ?? process.env,
    logFile,
    onLine: (line) => {
      const match = /Listening for client connections on .*:(\d+)$/.exec(line);
      if (match !== null) announce(Number(match[1]));
    },
  });
  try {
    const ready = announced.then(async (boundPort) => {
      await greeting(boundPort);
      return `nats://${HOST}:${boundPort}`;
    });
    const url = await waitUntilReady(server, ready, { timeoutMs: readyTimeoutMs, signal });
    return {
      url,
      pid: server.pid!,
      process: server,
      stop: async (timeoutMs = 5_000) => void (await server.stop(timeoutMs)),
    };
  } catch (error) {
    await server.stop(1_000);
    throw error;
  }
}

/** Resolves when the server has sent its INFO line. */
function greeting(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST);
    socket.once('data', (data) => {
      socket.destroy();
      if (data.toString('latin1').startsWith('INFO ')) resolve();
      else reject(new StartError(StartErrorCode.NOT_READY, `port ${port} answers, but not as a nats-server`));
    });
    socket.once('error', reject);
  });
}
