const MAX_RETRIES = 5;
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5000;
const BACKOFF = 1.5;
const JITTER = 0.2;

/** An export that may succeed when it is tried again. */
export class RetryableExportError extends Error {
  /** @param retryInMs when the receiver wants to be asked again */
  constructor(
    cause: Error,
    readonly retryInMs?: number,
  ) {
    super(cause.message, { cause });
  }
}

/**
 * Tries again what may pass, further and further apart, as OpenTelemetry's HTTP exporter does (its gRPC exporter does not).
 *
 * @param send is told how many milliseconds are left
 * @param signal ends it at once: nothing is tried after that
 */
export async function withRetries<T>(
  send: (timeoutMs: number) => Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let delayMs = FIRST_DELAY_MS;
  for (let retries = 0; ; retries++) {
    signal.throwIfAborted();
    try {
      return await send(Math.max(1, deadlineMs - performance.now()));
    } catch (error) {
      if (!(error instanceof RetryableExportError) || retries === MAX_RETRIES) throw error;
      const waitMs = error.retryInMs ?? delayMs * (1 + JITTER * (2 * Math.random() - 1));
      if (performance.now() + waitMs > deadlineMs) throw error;
      await sleep(waitMs, signal);
      delayMs = Math.min(delayMs * BACKOFF, MAX_DELAY_MS);
    }
  }
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', wake);
  });
}
