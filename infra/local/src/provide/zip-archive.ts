import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

/** A file in an archive, from its central directory. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  readonly headerOffset: number;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
/** The end record is 22 bytes and may be followed by a comment of up to 65535. */
const MAX_END_BYTES = 22 + 65535;
const STORED = 0;
const DEFLATED = 8;

/** Reads .zip files, as far as wheels need it: stored and deflated entries, no encryption, no zip64 (4 GB and more). */
export class ZipArchive {
  private constructor(
    readonly path: string,
    readonly entries: readonly ZipEntry[],
  ) {}

  /** @throws ProvisionError `bad_wheel` when it is no archive of that kind */
  static async open(path: string): Promise<ZipArchive> {
    const { size } = await stat(path);
    const tailBytes = Math.min(size, MAX_END_BYTES);
    const tail = await readBytes(path, size - tailBytes, tailBytes);
    let end = tail.length - 22;
    while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
    if (end < 0) throw badZip(path, 'has no end record');
    const count = tail.readUInt16LE(end + 10);
    const directoryBytes = tail.readUInt32LE(end + 12);
    const directoryOffset = tail.readUInt32LE(end + 16);
    if (count === 0xffff || directoryOffset === 0xffffffff) throw badZip(path, 'is zip64, which is not supported');
    if (directoryOffset + directoryBytes > size) throw badZip(path, 'is cut off');
    return new ZipArchive(path, readDirectory(path, await readBytes(path, directoryOffset, directoryBytes), count));
  }

  /** The plain bytes of an entry. */
  async read(entry: ZipEntry): Promise<Readable> {
    const header = await readBytes(this.path, entry.headerOffset, 30);
    if (header.length < 30 || header.readUInt32LE(0) !== LOCAL_HEADER) throw badZip(this.path, `lost ${entry.name}`);
    const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const raw = createReadStream(this.path, { start, end: Math.max(start, start + entry.compressedBytes - 1) });
    if (entry.method === STORED) return raw;
    if (entry.method === DEFLATED) return pipeline(raw, createInflateRaw(), () => {});
    raw.destroy();
    throw badZip(this.path, `packs ${entry.name} with method ${entry.method}, which is not supported`);
  }
}

function readDirectory(path: string, directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count;) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw badZip(path, 'has a broken directory');
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function readBytes(path: string, offset: number, byteCount: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(byteCount), 0, byteCount, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function badZip(path: string, what: string): ProvisionError {
  return new ProvisionError(ProvisionErrorCode.BAD_WHEEL, `${path} ${what}; delete it and try again`);
}
