import { type Checksum, checksumFromEtag } from './checksum.js';
import { DownloadError, DownloadErrorCode } from './download-error.js';
import { rootMessage, sendRequest, statusError, TransientError } from './http-request.js';
import type { HubConfig } from './hub.config.js';
import { IdleTimer } from './idle-timer.js';
import { type RetryPolicy, withRetries } from './retry.js';

/** A file of a repository at one commit. */
export interface HubFile {
  readonly path: string;
  readonly url: string;
  readonly commit: string;
  readonly sizeBytes: number;
  readonly checksum: Checksum;
}

export interface HubListing {
  readonly commit: string;
  readonly paths: readonly string[];
}

export interface HubClientOptions extends HubConfig {
  readonly retry: RetryPolicy;
  readonly connectTimeoutMs: number;
  readonly onNotice: (message: string) => void;
}

/** The part of the Hugging Face hub's HTTP API that a download needs. All methods throw DownloadError. */
export class HubClient {
  readonly #options: HubClientOptions;

  constructor(options: HubClientOptions) {
    if (options.offline) {
      throw new DownloadError(DownloadErrorCode.OFFLINE, 'HF_HUB_OFFLINE is set; unset it to download from the hub');
    }
    this.#options = options;
  }

  /** What every request carries; `sendRequest` keeps the token from other hosts. */
  get headers(): Record<string, string> {
    const { token } = this.#options;
    return { 'user-agent': 'sliceway', ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  }

  /** The files of `repo` and the commit that `revision` (branch, tag or commit) stands for now. */
  async list(repo: string, revision: string): Promise<HubListing> {
    const url = `${this.#options.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}`;
    const { text } = await this.#request('GET', url, repo);
    const { sha, siblings } = parseObject(text) as { sha?: unknown; siblings?: { rfilename?: unknown }[] };
    const paths = Array.isArray(siblings) ? siblings.map(({ rfilename }) => rfilename) : [];
    if (typeof sha !== 'string' || !paths.every((path) => typeof path === 'string')) throw noMetadata(url, 'file list');
    return { commit: sha, paths };
  }

  /**
   * Size, commit and checksum of one file. For an LFS file the hub answers with a redirect to its CDN that carries
   * `X-Linked-Size` and `X-Linked-Etag` (the sha256); for a small one `ETag` is the git blob id.
   */
  async stat(repo: string, revision: string, path: string): Promise<HubFile> {
    const url = this.#fileUrl(repo, revision, path);
    const { response } = await this.#request('HEAD', url, `${repo}/${path}`);
    const { headers } = response;
    const commit = headers.get('x-repo-commit');
    const size = headers.get('x-linked-size') ?? (response.ok ? headers.get('content-length') : null);
    const checksum = checksumFromEtag(headers.get('x-linked-etag') ?? headers.get('etag'));
    if (commit === null) throw noMetadata(url, 'X-Repo-Commit');
    if (size === null || !/^\d+$/.test(size)) throw noMetadata(url, 'size');
    if (checksum === null) throw noMetadata(url, 'checksum (ETag)');
    // The bytes are asked for by commit, so that they are those of this checksum.
    return { path, url: this.#fileUrl(repo, commit, path), commit, sizeBytes: Number(size), checksum };
  }

  #fileUrl(repo: string, revision: string, path: string): string {
    const encodedPath = path.split('/').map(encodeURIComponent).join('/');
    return `${this.#options.endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${encodedPath}`;
  }

  async #request(method: 'GET' | 'HEAD', url: string, what: string): Promise<{ response: Response; text: string }> {
    const { retry, connectTimeoutMs, onNotice } = this.#options;
    const attempt = async () => {
      const idle = new IdleTimer();
      idle.touch(connectTimeoutMs, 'no answer');
      try {
        const response = await sendRequest({ method, url, headers: this.headers, signal: idle.signal, follow });
        const text = await response.text().catch((error: unknown) => {
          throw new TransientError(`${what}: ${rootMessage(error)}`, { cause: error });
        });
        if (response.status > 399) throw statusError(response, what, url);
        return { response, text };
      } finally {
        idle.stop();
      }
    };
    return withRetries(attempt, retry, () => 0, onNotice);
  }
}

/** Within the hub (a renamed repository) a redirect is followed; the one to the CDN is itself the answer. */
function follow(from: URL, to: URL, response: Response): boolean {
  return to.origin === from.origin && !response.headers.has('x-linked-etag');
}

/** A proxy's login page is no JSON; it has no fields either. */
function parseObject(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

function noMetadata(url: string, missing: string): DownloadError {
  const message = `${url} answers without ${missing}: is it a Hugging Face hub? Check HF_ENDPOINT and any proxy.`;
  return new DownloadError(DownloadErrorCode.NO_METADATA, message, { url });
}
