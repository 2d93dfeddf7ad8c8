/** Why a download failed. Stable: callers branch on it. */
export const DownloadErrorCode = {
  /** No answer: no route, no name, no connection or no response in time. */
  UNREACHABLE: 'unreachable',
  /** The connection broke again and again while bytes were coming. */
  INTERRUPTED: 'interrupted',
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'forbidden',
  NOT_FOUND: 'not_found',
  /** Any other status that is not a success. */
  HTTP_STATUS: 'http_status',
  TOO_MANY_REDIRECTS: 'too_many_redirects',
  /** The answer lacks what a hub sends: commit, size or checksum. */
  NO_METADATA: 'no_metadata',
  CHECKSUM_MISMATCH: 'checksum_mismatch',
  SIZE_MISMATCH: 'size_mismatch',
  BAD_NAME: 'bad_name',
  /** Nothing in the repository fits, or more than one file does. */
  NO_SUCH_FILE: 'no_such_file',
  DISK_FULL: 'disk_full',
  /** Another process took the download over while this one was stopped. */
  LOCK_LOST: 'lock_lost',
  OFFLINE: 'offline',
} as const;
export type DownloadErrorCode = (typeof DownloadErrorCode)[keyof typeof DownloadErrorCode];

export interface DownloadErrorOptions extends ErrorOptions {
  readonly url?: string;
  readonly status?: number;
}

/** A download that gave up; `code` says why, the message says what to do next. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly url: string | undefined;
  readonly status: number | undefined;

  constructor(
    readonly code: DownloadErrorCode,
    message: string,
    options: DownloadErrorOptions = {},
  ) {
    super(message, options);
    this.url = options.url;
    this.status = options.status;
  }
}
