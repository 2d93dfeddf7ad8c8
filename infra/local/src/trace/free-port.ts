import { createServer, type AddressInfo } from 'node:net';
import { portProblem } from '../cli/port-check.js';

const HOST = '127.0.0.1';

/** A port of the loopback address that nobody listens on now: the wanted one if that can be had. */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0 && (await portProblem(HOST, wanted)) === null) return wanted;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
