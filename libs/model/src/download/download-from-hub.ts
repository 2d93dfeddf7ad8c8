import { join } from 'node:path';
import { DownloadError, DownloadErrorCode } from './download-error.js';
import { downloadFile, type TransferLimits } from './download-file.js';
import { HubClient, type HubFile } from './hub-client.js';
import { type HubConfig, hubConfigFromEnv } from './hub.config.js';
import { DEFAULT_RETRY_POLICY } from './retry.js';

/** Over all files of a download. */
export interface DownloadProgress {
  /** The file that is coming in now, as the repository names it. */
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface HubDownloadOptions extends TransferLimits, Partial<HubConfig> {
  /** `owner/name`. */
  readonly repo: string;
  /** Path in the repository; without it, what `select` picks. */
  readonly file?: string;
  /** What `file` must be; a hub that has something else is refused before anything is downloaded. */
  readonly sha256?: string;
  /** Picks from all paths of the repository; default: all. May throw to refuse. */
  readonly select?: (paths: readonly string[]) => readonly string[];
  /** For the questions before the download, where a caller with another source is less patient. Default: as for files. */
  readonly reach?: { readonly attempts: number; readonly timeoutMs: number };
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string;
  /** Files are laid down here under their paths in the repository. */
  readonly directory: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Waits and new tries, in words. */
  readonly onNotice?: (message: string) => void;
}

export interface HubDownload {
  readonly commit: string;
  /** Absolute if `directory` is. In the order of the repository. */
  readonly files: readonly string[];
}

/** `owner/name`, or a bare `name` as the hub's oldest models have; the hub's own rule for both parts. */
const REPO_ID = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;

/**
 * Downloads a model, or one file of it, from a Hugging Face hub. All files are of one commit, each is checked against the
 * hub's checksum (sha256 for large files, git blob id for small ones), each can be continued after a break, and files that
 * are there already are not asked for again. Endpoint, token and offline mode default to the environment.
 *
 * @throws DownloadError
 */
export async function downloadFromHub(options: HubDownloadOptions): Promise<HubDownload> {
  const { repo, revision = 'main', directory, retry = DEFAULT_RETRY_POLICY, onProgress, onNotice = () => {} } = options;
  if (!REPO_ID.test(repo) || repo.includes('..')) {
    throw new DownloadError(DownloadErrorCode.BAD_NAME, `"${repo}" is no repository id; write owner/name`);
  }
  const defaults = hubConfigFromEnv();
  const client = new HubClient({
    endpoint: options.endpoint?.replace(/\/+$/, '') ?? defaults.endpoint,
    token: options.token === undefined ? defaults.token : options.token,
    offline: options.offline ?? defaults.offline,
    retry: { ...retry, attempts: options.reach?.attempts ?? retry.attempts },
    connectTimeoutMs: options.reach?.timeoutMs ?? options.connectTimeoutMs ?? 10_000,
    onNotice,
  });
  const files = await describe(client, options, revision);
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let finishedBytes = 0;
  const paths: string[] = [];
  for (const { path, url, sizeBytes, checksum } of files) {
    const report = (receivedBytes: number) =>
      onProgress?.({ file: path, receivedBytes: finishedBytes + receivedBytes, totalBytes });
    const target = join(directory, path);
    await downloadFile({
      ...options,
      url,
      path: target,
      headers: client.headers,
      expected: { sizeBytes, checksum },
      onProgress: report,
    });
    report(sizeBytes);
    finishedBytes += sizeBytes;
    paths.push(target);
  }
  return { commit: files[0]?.commit ?? revision, files: paths };
}

/** The wanted files with size and checksum, all of the commit that `revision` stood for at the beginning. */
async function describe(client: HubClient, options: HubDownloadOptions, revision: string): Promise<HubFile[]> {
  const { repo, file, select = (paths) => paths } = options;
  if (file !== undefined) {
    const found = await client.stat(repo, revision, checkedPath(file));
    if (options.sha256 === undefined || options.sha256 === found.checksum.digest) return [found];
    const message = `${repo}/${file} on the hub is not the expected file (sha256 ${options.sha256}); use another source`;
    throw new DownloadError(DownloadErrorCode.CHECKSUM_MISMATCH, message, { url: found.url });
  }
  const listing = await client.list(repo, revision);
  const files: HubFile[] = [];
  for (const path of select(listing.paths)) files.push(await client.stat(repo, listing.commit, checkedPath(path)));
  return files;
}

/** A path from the network names files below the directory, nothing else. */
function checkedPath(path: string): string {
  const isSafe = !/[\\\0:]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (isSafe) return path;
  throw new DownloadError(DownloadErrorCode.BAD_NAME, `"${path}" is no path inside a repository`);
}
