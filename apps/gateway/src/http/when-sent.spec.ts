import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { whenSent } from './when-sent.js';

/** More than both ends' sockets hold. */
const LARGE = Buffer.alloc(64 << 20);

describe('whenSent', () => {
  let server: Server;
  let client: Socket;
  /** What a client that reads nothing yet is to be answered with. */
  const asked = async (): Promise<ServerResponse> => {
    const response = new Promise<ServerResponse>((resolve) =>
      server.once('request', (_, answer) => resolve(answer as ServerResponse)),
    );
    client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    client.on('error', () => {});
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    return response;
  };

  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => client.destroy());
  afterAll(() => server.close());

  it('calls once, when a client has read enough of it', async () => {
    const response = await asked();
    let calls = 0;
    response.end(LARGE);
    whenSent(response, (isSent) => (calls += isSent ? 1 : 100));
    await sleep(50);
    expect(calls).toBe(0);
    client.resume();
    await new Promise((resolve) => response.once('close', resolve));
    expect(calls).toBe(1);
  });

  it.each(['client', 'server'])('calls where the %s closes the connection first', async (end) => {
    const response = await asked();
    response.end(LARGE);
    const called = new Promise<boolean>((resolve) => whenSent(response, resolve));
    if (end === 'client') client.resetAndDestroy();
    else server.closeAllConnections();
    expect(await called).toBe(false);
    expect(client.bytesRead).toBeLessThan(LARGE.length);
  });

  it('calls at once where the answer waits behind another one', async () => {
    const first = await asked();
    const second = new Promise<ServerResponse>((resolve) =>
      server.once('request', (_, answer) => resolve(answer as ServerResponse)),
    );
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const response = await second;
    let calls = 0;
    response.end(LARGE);
    whenSent(response, () => calls++);
    expect(calls).toBe(1);
    first.destroy();
  });

  it('calls at once where there is more to come, and where nobody is there', async () => {
    const response = await asked();
    const listeners = response.listenerCount('finish');
    let calls = 0;
    response.write('a');
    whenSent(response, (isSent) => (calls += isSent ? 1 : 100));
    expect(calls).toBe(1);
    response.destroy();
    whenSent(response, (isSent) => (calls += isSent ? 100 : 1));
    expect(calls).toBe(2);
    expect(response.listenerCount('finish')).toBe(listeners);
  });
});
