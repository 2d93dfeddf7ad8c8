import { stat, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createChecksumHash, hashFile } from './checksum.js';
import { DownloadError, DownloadErrorCode } from './download-error.js';
import { withFileLock } from './file-lock.js';
import { type ExpectedContent, PartFile } from './part-file.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy, withRetries } from './retry.js';
import { transfer } from './transfer.js';

export interface TransferLimits {
  readonly retry?: RetryPolicy;
  /** Until the response headers are there. Default 10 s, as in huggingface_hub. */
  readonly connectTimeoutMs?: number;
  /** Between two pieces of the body. Default 30 s. */
  readonly idleTimeoutMs?: number;
}

export interface DownloadFileOptions extends TransferLimits {
  readonly url: string;
  /** Where the finished file goes; its folder is made. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly expected?: Partial<ExpectedContent>;
  /** Called for every piece received; bytes of an earlier run count as received. */
  readonly onProgress?: (receivedBytes: number, totalBytes: number | null) => void;
  /** Waits and new tries, in words. */
  readonly onNotice?: (message: string) => void;
}

/**
 * Downloads one file. It grows as `<path>.part` and takes its name only when it is whole and its checksum is right, so a
 * file at `path` is always a finished one. What is there already is kept if it matches; a run that was cut off is continued
 * by Range if there is a checksum to prove the result. Two processes do not download the same file twice.
 *
 * @throws DownloadError
 */
export async function downloadFile(options: DownloadFileOptions): Promise<void> {
  const { path, onNotice = () => {} } = options;
  const expected: ExpectedContent = { sizeBytes: null, checksum: null, ...options.expected };
  if (await matches(path, expected)) return;
  await withFileLock(
    `${path}.lock`,
    async (lock) => {
      if (await matches(path, expected)) return;
      const resume = expected.checksum !== null && !lock.contested;
      const part = await fetchPart(options, expected, resume);
      try {
        await lock.assertHeld();
        await part.commit(path);
      } finally {
        await part.close();
      }
    },
    onNotice,
  );
}

/** A whole, verified part file. Bytes of an earlier run that turn out wrong are thrown away once. */
async function fetchPart(options: DownloadFileOptions, expected: ExpectedContent, resume: boolean): Promise<PartFile> {
  const part = await PartFile.open(options.path, expected, resume);
  const resumedBytes = part.sizeBytes;
  try {
    await ensureSpace(options.path, expected, part.sizeBytes);
    await fill(part, options, expected);
    if (part.digest() === (expected.checksum?.digest ?? null)) return part;
  } catch (error) {
    const keep = error instanceof DownloadError && error.code !== DownloadErrorCode.SIZE_MISMATCH;
    await (keep ? part.close() : part.discard());
    throw diskError(error, options.path);
  }
  await part.discard();
  if (resumedBytes > 0) {
    options.onNotice?.(`${basename(options.path)}: what an earlier run left does not fit; starting over`);
    return fetchPart(options, expected, false);
  }
  throw new DownloadError(
    DownloadErrorCode.CHECKSUM_MISMATCH,
    `${basename(options.path)}: the checksum is wrong, so it was deleted; run it again, and if it stays wrong, use another source`,
    { url: options.url },
  );
}

async function fill(part: PartFile, options: DownloadFileOptions, expected: ExpectedContent): Promise<void> {
  const { url, headers = {}, onProgress = () => {}, onNotice = () => {} } = options;
  const { retry = DEFAULT_RETRY_POLICY, connectTimeoutMs = 10_000, idleTimeoutMs = 30_000 } = options;
  const what = basename(options.path);
  const state = { etag: null };
  await withRetries(
    () => transfer(part, state, { url, headers, expected, connectTimeoutMs, idleTimeoutMs, what, onBytes: onProgress }),
    retry,
    () => part.sizeBytes,
    onNotice,
  );
}

/** Whether `path` is there and is what is expected; with nothing expected, being there is enough. */
async function matches(path: string, { sizeBytes, checksum }: ExpectedContent): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || (sizeBytes !== null && stats.size !== sizeBytes)) return false;
  if (checksum === null) return true;
  const hash = createChecksumHash(checksum, stats.size);
  await hashFile(path, stats.size, hash);
  return hash.digest('hex') === checksum.digest;
}

async function ensureSpace(path: string, { sizeBytes }: ExpectedContent, haveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const neededBytes = (sizeBytes ?? 0) - haveBytes;
  if (neededBytes > bavail * bsize) throw diskFull(path, `${neededBytes} bytes are needed, ${bavail * bsize} are free`);
}

function diskError(error: unknown, path: string): unknown {
  const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
  return isFull ? diskFull(path, 'the disk is full', error) : error;
}

function diskFull(path: string, detail: string, cause?: unknown): DownloadError {
  return new DownloadError(
    DownloadErrorCode.DISK_FULL,
    `${dirname(path)}: ${detail}; make room or use another folder`,
    {
      cause,
    },
  );
}
