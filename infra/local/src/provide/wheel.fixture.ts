import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32, deflateRawSync } from 'node:zlib';

export interface WheelContent {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Replaces what RECORD says of a file, to make a damaged wheel. */
  readonly recorded?: Readonly<Record<string, Buffer>>;
}

/** The bytes of a wheel that pip accepts and that has the given files, the first one stored, the others deflated. */
export function makeWheel({ name, version, files, recorded = {} }: WheelContent): Buffer {
  const info = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const all: Record<string, Buffer> = {
    ...files,
    [`${info}/METADATA`]: Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`),
    [`${info}/WHEEL`]: Buffer.from('Wheel-Version: 1.0\nGenerator: spec\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
  };
  const record = Object.entries(all).map(([path, content]) => {
    const digest = createHash('sha256')
      .update(recorded[path] ?? content)
      .digest('base64url');
    return `${path},sha256=${digest},${content.length}`;
  });
  all[`${info}/RECORD`] = Buffer.from(`${record.join('\n')}\n${info}/RECORD,,\n`);
  return makeZip(all);
}

export function makeZip(files: Readonly<Record<string, Buffer>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path);
    const method = offset === 0 ? 0 : 8;
    const packed = method === 0 ? content : deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([signature(0x04034b50), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([signature(0x02014b50), Buffer.from([20, 0]), common, rest, name]));
    bodies.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, entries, signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A package index as pip reads it (PEP 503). */
export class PackageIndex {
  downloads = 0;
  url = '';
  readonly #wheels = new Map<string, Buffer>();
  readonly #server: Server = createServer((request, response) => {
    const [, page, project, file] = (request.url ?? '').split('/');
    if (page === 'simple') {
      const names = [...this.#wheels.keys()].filter((name) => name.startsWith(`${project?.replaceAll('-', '_')}-`));
      const links = names.map((name) => `<a href="/files/${project}/${name}">${name}</a>`);
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html>${links.join('')}`);
    }
    const wheel = this.#wheels.get(file ?? '');
    if (wheel === undefined) return void response.writeHead(404).end();
    this.downloads++;
    return void response.writeHead(200, { 'content-length': wheel.length }).end(wheel);
  });

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/simple/`;
    return this;
  }

  add(content: WheelContent): void {
    this.#wheels.set(`${content.name.replaceAll('-', '_')}-${content.version}-py3-none-any.whl`, makeWheel(content));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
