import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROLES } from './cluster-process.js';

/**
 * An app as the launcher sees one: an HTTP server, a ready line, an end on SIGTERM. BEHAVIOR makes it differ: `dies` at
 * once, `deaf` to SIGTERM, `mute` (never ready), `unhealthy` (a gateway that never serves), `short` (dies after its ready line).
 */
const SCRIPT = `
import { createServer } from 'node:http';
import { basename } from 'node:path';
const role = basename(process.argv[1], '.mjs');
const { BEHAVIOR, SLICEWAY_INSTANCE, HOST, PORT } = process.env;
const log = (fields) => console.log(JSON.stringify({ level: 'info', time: Date.now(), ...fields }));
console.log('plain line of ' + role);
if (BEHAVIOR === 'dies') {
  log({ level: 'fatal', msg: 'cannot work', error: { message: 'no disk', stack: 'Error: no disk\\n    at app' } });
  process.exit(3);
}
let polls = 0;
const server = createServer((request, response) => {
  if (request.url === '/v1/models') return response.end(JSON.stringify({ data: [{ id: 'fixture' }] }));
  if (request.url === '/pid') return response.end(String(process.pid));
  if (request.url === '/env') return response.end(JSON.stringify(process.env));
  if (request.url === '/die') return response.end('', () => process.exit(4));
  const isReady = BEHAVIOR !== 'unhealthy' && ++polls > 2;
  response.writeHead(isReady ? 200 : 503).end(JSON.stringify({ missing: ['decode'] }));
});
process.on('SIGTERM', () => {
  log({ msg: 'got SIGTERM' });
  if (BEHAVIOR === 'deaf') return;
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
server.listen(Number(PORT), HOST, () => {
  log({ msg: 'loading', fraction: 0.5 });
  if (BEHAVIOR === 'mute') return;
  const backend = role === 'decode' ? { backend: 'wasm' } : {};
  log({ msg: 'ready', role, instance: SLICEWAY_INSTANCE, url: 'http://' + HOST + ':' + server.address().port, ...backend });
  if (BEHAVIOR === 'short') setTimeout(() => process.exit(5), 50);
});
`;

/** A folder with the four apps and room for logs. */
export class AppFixture {
  private constructor(readonly directory: string) {}

  static async create(): Promise<AppFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'sliceway-apps-'));
    for (const role of ROLES) await writeFile(join(directory, `${role}.mjs`), SCRIPT);
    return new AppFixture(directory);
  }

  readonly appPath = (role: string): string => join(this.directory, `${role}.mjs`);

  get logs(): string {
    return join(this.directory, 'logs');
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
