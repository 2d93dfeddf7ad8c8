import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadError, DownloadErrorCode } from './download-error.js';
import { TransientError } from './http-request.js';

/** How often, how patiently. `attempts` counts tries in a row that brought nothing. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Wait before the second try; doubles up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** Five tries, 1 s to 8 s apart: the numbers of huggingface_hub's `http_backoff`. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 5, baseDelayMs: 1000, maxDelayMs: 8000 };

/** Less than this is no progress: a server that sends a byte and hangs must not keep us forever. */
const MIN_PROGRESS_BYTES = 64 * 1024;

/** A longer `Retry-After` is not waited for: the caller had better know. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Runs `attempt` until it succeeds, fails for good, or fails `policy.attempts` times in a row without progress.
 *
 * @param receivedBytes how much there is; a substantial gain starts the count of failures anew
 * @param onNotice told about each wait
 * @throws DownloadError `unreachable` when nothing ever came, `interrupted` when something did, else what `attempt` threw
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  receivedBytes: () => number,
  onNotice: (message: string) => void,
): Promise<T> {
  let failures = 0;
  const startBytes = receivedBytes();
  let bestBytes = startBytes;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      const bytes = receivedBytes();
      failures = bytes - bestBytes >= MIN_PROGRESS_BYTES ? 1 : failures + 1;
      bestBytes = Math.max(bestBytes, bytes);
      const delayMs = error.retryAfterMs ?? Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failures - 1));
      if (failures >= policy.attempts || delayMs > MAX_RETRY_AFTER_MS)
        throw giveUp(error, bestBytes > startBytes, failures);
      onNotice(`${error.message}; trying again in ${(delayMs / 1000).toFixed(1)} s`);
      await sleep(delayMs);
    }
  }
}

function giveUp(error: TransientError, receivedSome: boolean, failures: number): DownloadError {
  const tries = failures === 1 ? 'one try' : `${failures} tries`;
  const options = { cause: error, ...(error.status === undefined ? {} : { status: error.status }) };
  if (error.status !== undefined) {
    return new DownloadError(DownloadErrorCode.HTTP_STATUS, `${error.message} (${tries})`, options);
  }
  return receivedSome
    ? new DownloadError(
        DownloadErrorCode.INTERRUPTED,
        `${error.message} (${tries}); what has arrived is kept: run it again to continue`,
        options,
      )
    : new DownloadError(DownloadErrorCode.UNREACHABLE, `${error.message} (${tries})`, options);
}
