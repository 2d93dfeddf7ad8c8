import { DownloadError, DownloadErrorCode } from './download-error.js';

/** Redirects followed before giving up; a hub needs two (renamed repository, then its CDN). */
const MAX_REDIRECTS = 10;

/** Statuses that a later try may cure (huggingface_hub retries the same ones). */
const TRANSIENT_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
  /** Asked before each redirect; false makes the redirect itself the answer. Default: always. */
  readonly follow?: (from: URL, to: URL, response: Response) => boolean;
}

/** A connection that failed or an answer that may be better next time. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  readonly status: number | undefined;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { readonly status?: number; readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Sends one request and follows redirects. `Authorization` is dropped for good once a redirect leaves the origin: a hub
 * hands out signed CDN addresses, and its token is nobody else's business.
 *
 * @throws TransientError on connection trouble; never on a status
 */
export async function sendRequest(request: HttpRequest): Promise<Response> {
  const headers = new Headers(request.headers);
  // The size and the checksum are those of the plain bytes.
  headers.set('accept-encoding', 'identity');
  let target = new URL(request.url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await fetchOnce(target, request, headers);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    const next = new URL(location, target);
    if (request.follow?.(target, next, response) === false) return response;
    await response.body?.cancel();
    if (next.origin !== target.origin) headers.delete('authorization');
    target = next;
  }
  throw new DownloadError(
    DownloadErrorCode.TOO_MANY_REDIRECTS,
    `${request.url} redirected more than ${MAX_REDIRECTS} times; check the endpoint's address`,
    { url: request.url },
  );
}

async function fetchOnce(url: URL, request: HttpRequest, headers: Headers): Promise<Response> {
  const { method, signal } = request;
  try {
    return await fetch(url, { method, headers, signal, redirect: 'manual' });
  } catch (error) {
    throw new TransientError(`${url.host}: ${rootMessage(error)}`, { cause: error });
  }
}

/** Turns a status that is not a success into the error that says what to do, TransientError if a later try may help. */
export function statusError(response: Response, what: string, url: string): Error {
  const { status } = response;
  const hubMessage = response.headers.get('x-error-message');
  const detail = hubMessage === null ? '' : `: ${hubMessage}`;
  if (TRANSIENT_STATUSES.has(status)) {
    return new TransientError(`${what}: HTTP ${status}${detail}`, { status, ...retryAfter(response) });
  }
  const options = { url, status };
  if (status === 401) {
    return new DownloadError(
      DownloadErrorCode.UNAUTHORIZED,
      `${what}: HTTP 401${detail}. It does not exist, or it is private: check the name, or set HF_TOKEN.`,
      options,
    );
  }
  if (status === 403) {
    return new DownloadError(
      DownloadErrorCode.FORBIDDEN,
      `${what}: HTTP 403${detail}. Accept its terms on the hub and set HF_TOKEN to a token that may read it.`,
      options,
    );
  }
  if (status === 404) {
    return new DownloadError(DownloadErrorCode.NOT_FOUND, `${what}: HTTP 404${detail}. Check the name.`, options);
  }
  return new DownloadError(DownloadErrorCode.HTTP_STATUS, `${what}: HTTP ${status}${detail}`, options);
}

/** `Retry-After`, in seconds or as a date. */
function retryAfter(response: Response): { retryAfterMs?: number } {
  const value = response.headers.get('retry-after') ?? '';
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? {} : { retryAfterMs: Math.max(0, ms) };
}

/** fetch says "fetch failed"; what happened is in its cause. */
export function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  if (current instanceof AggregateError && current.errors.length > 0) return rootMessage(current.errors[0]);
  return current instanceof Error ? current.message : String(current);
}
