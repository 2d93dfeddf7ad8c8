import { DownloadError, DownloadErrorCode } from './download-error.js';
import { rootMessage, sendRequest, statusError, TransientError } from './http-request.js';
import { IdleTimer } from './idle-timer.js';
import type { ExpectedContent, PartFile } from './part-file.js';

export interface TransferOptions {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly expected: ExpectedContent;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Names the file in messages. */
  readonly what: string;
  readonly onBytes: (receivedBytes: number, totalBytes: number | null) => void;
}

/** One GET that continues `part` where it ends. `state` holds what ties the GETs of one download to one version. */
export async function transfer(
  part: PartFile,
  state: { etag: string | null },
  options: TransferOptions,
): Promise<void> {
  const { url, expected, what, onBytes } = options;
  if (expected.sizeBytes !== null && part.sizeBytes === expected.sizeBytes) return;
  const isOtherFile = expected.sizeBytes !== null && part.sizeBytes > expected.sizeBytes;
  // A checksum proves what was put together; without one an ETag must.
  const isUnprovable = expected.checksum === null && state.etag === null;
  if (part.sizeBytes > 0 && (isOtherFile || isUnprovable)) await part.restart();
  const idle = new IdleTimer();
  try {
    idle.touch(options.connectTimeoutMs, 'no answer');
    const headers = {
      ...options.headers,
      ...rangeHeaders(part.sizeBytes, expected.checksum === null ? state.etag : null),
    };
    const response = await sendRequest({ method: 'GET', url, headers, signal: idle.signal });
    const totalBytes = await acceptResponse(response, part, options);
    state.etag = strongEtag(response);
    onBytes(part.sizeBytes, totalBytes);
    for await (const chunk of bodyOf(response, what, idle, options.idleTimeoutMs)) {
      if (totalBytes !== null && part.sizeBytes + chunk.byteLength > totalBytes) {
        throw new DownloadError(DownloadErrorCode.SIZE_MISMATCH, `${what}: more than ${totalBytes} bytes came`, {
          url,
        });
      }
      await part.append(chunk);
      onBytes(part.sizeBytes, totalBytes);
    }
    if (totalBytes !== null && part.sizeBytes < totalBytes) {
      throw new TransientError(`${what}: ended after ${part.sizeBytes} of ${totalBytes} bytes`);
    }
  } finally {
    idle.stop();
  }
}

function rangeHeaders(offset: number, etag: string | null): Record<string, string> {
  if (offset === 0) return {};
  return { range: `bytes=${offset}-`, ...(etag === null ? {} : { 'if-range': etag }) };
}

/** Weak tags must not be used in If-Range (RFC 9110, 13.1.5). */
function strongEtag(response: Response): string | null {
  const etag = response.headers.get('etag');
  return etag?.startsWith('"') === true ? etag : null;
}

/** Brings `part` to where the body starts; returns the size of the whole file, null when nobody knows it. */
async function acceptResponse(response: Response, part: PartFile, options: TransferOptions): Promise<number | null> {
  const { url, what, expected } = options;
  const { status, headers } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
    if (range !== null && Number(range[1]) === part.sizeBytes) {
      return checkSize(range[2] === '*' ? expected.sizeBytes : Number(range[2]), options);
    }
  }
  if (status === 200) {
    // Either all was asked for, or the server does not know ranges or has another version.
    if (part.sizeBytes > 0) await part.restart();
    const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity';
    const length = headers.get('content-length');
    return checkSize(isPlain && length !== null ? Number(length) : expected.sizeBytes, options);
  }
  await response.body?.cancel();
  if (status === 206 || status === 416) {
    await part.restart();
    throw new TransientError(`${what}: the server has no such range; starting over`);
  }
  throw statusError(response, what, url);
}

function checkSize(sizeBytes: number | null, { expected, url, what }: TransferOptions): number | null {
  if (expected.sizeBytes === null || sizeBytes === expected.sizeBytes) return sizeBytes;
  const message = `${what}: the server has ${sizeBytes} bytes, ${expected.sizeBytes} were promised`;
  throw new DownloadError(DownloadErrorCode.SIZE_MISMATCH, message, { url });
}

async function* bodyOf(response: Response, what: string, idle: IdleTimer, idleTimeoutMs: number) {
  if (response.body === null) return;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      idle.touch(idleTimeoutMs, 'nothing received');
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new TransientError(`${what}: ${rootMessage(error)}`, { cause: error });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
