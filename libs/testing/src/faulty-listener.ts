import { createServer, type Server, type Socket } from 'node:net';

const TRICKLE_MS = 1000;

/** A listening socket on 127.0.0.1 that hands its connections on, reads them a byte a second, or is not there. */
export class FaultyListener {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(private readonly onSocket: (socket: Socket) => void) {}

  /** The same from the first time that it listened. */
  get port(): number {
    return this.#port;
  }

  async setMode(mode: 'accept' | 'trickle' | 'refuse'): Promise<void> {
    await this.#close();
    if (mode === 'refuse') return;
    const server = createServer({ pauseOnConnect: mode === 'trickle' }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      if (mode === 'accept') this.onSocket(socket);
      else trickle(socket);
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#server = server;
    this.#port = (server.address() as { port: number }).port;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** The socket's own buffer fills once, then the window stays shut but for a byte. */
function trickle(socket: Socket): void {
  const timer = setInterval(() => socket.read(1), TRICKLE_MS);
  socket.on('close', () => clearInterval(timer)).on('readable', () => {});
}
