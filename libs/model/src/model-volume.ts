import { lstatSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { DownloadError, DownloadErrorCode } from './download/download-error.js';
import type { HubDownloadOptions } from './download/download-from-hub.js';
import { downloadHubModel, parseHubModelId } from './download/hub-model.js';
import type { FetchModelConfig } from './fetch-model.config.js';
import { findModel, isGguf } from './find-model.js';
import { ModelFileError } from './model-file-error.js';

/** What services open: a relative link, so that the volume may be mounted anywhere. */
export const CURRENT = 'current';
/** A folder that a download made, `<owner>--<name>`. */
const DOWNLOADED = /^\w[\w.-]*--\w[\w.-]*$/;

export interface ModelVolumeOptions extends FetchModelConfig {
  readonly hub?: Omit<HubDownloadOptions, 'repo' | 'file' | 'select' | 'directory'>;
}

/**
 * Makes `<directory>/current` a link to a model: to one that somebody put there by hand, else to that of `source`, which is
 * downloaded unless it is there. It can be repeated: a download that was cut off goes on, and what is done stays as it is.
 *
 * @returns the model's path
 * @throws DownloadError; `no_such_file` when nothing, or more than one thing, can be meant
 */
export async function fillModelVolume({ source, directory, hub = {} }: ModelVolumeOptions): Promise<string> {
  await mkdir(directory, { recursive: true });
  const current = join(directory, CURRENT);
  const stats = lstatSync(current, { throwIfNoEntry: false });
  // A file or folder of this name is somebody's own.
  const isOwn = stats !== undefined && !stats.isSymbolicLink();
  const there = isOwn ? current : byHand(directory, source);
  if (there !== null && source !== null && basename(there) !== source) {
    hub.onNotice?.(
      `SLICEWAY_MODEL_SOURCE=${source} is not used: ${there} was put there by hand; take it away to have the other`,
    );
  }
  if (isOwn) return current;
  const model = there ?? (await download(source, directory, hub));
  await link(current, model);
  return model;
}

/** The model that nobody downloaded: a .gguf or a folder with a model at the top of the volume. */
function byHand(directory: string, source: string | null): string | null {
  const models = readdirSync(directory)
    .filter((name) => name !== CURRENT && !name.startsWith('.') && isModel(join(directory, name)))
    .sort();
  if (source !== null && models.includes(source)) return join(directory, source);
  const candidates = source === null ? models : models.filter((name) => !DOWNLOADED.test(name));
  if (candidates.length > 1) {
    throw noModel(`${directory} has several models; set SLICEWAY_MODEL_SOURCE to one of: ${candidates.join(', ')}`);
  }
  return candidates.length === 0 ? null : join(directory, candidates[0]!);
}

function isModel(path: string): boolean {
  try {
    const { format, path: found } = findModel(path);
    return format === 'safetensors' || isGguf(found);
  } catch (error) {
    if (error instanceof ModelFileError) return false;
    throw error;
  }
}

async function download(source: string | null, directory: string, hub: ModelVolumeOptions['hub']): Promise<string> {
  if (source === null) {
    throw noModel(
      `${directory} has no model: copy one into it, or set SLICEWAY_MODEL_SOURCE to owner/name[:file] on the hub`,
    );
  }
  const id = parseHubModelId(source);
  if (id === null) {
    throw noModel(
      `SLICEWAY_MODEL_SOURCE: ${directory} has no model "${source}", and it is no hub id (owner/name[:file])`,
    );
  }
  return downloadHubModel(id, { ...hub, directory });
}

/** At no moment is there no link, and two who do this at once do not meet. */
async function link(path: string, target: string): Promise<void> {
  const relativeTarget = relative(dirname(path), target);
  const [now, wanted] = await Promise.all([path, target].map((each) => stat(each).catch(() => null)));
  if (now !== null && wanted !== null && now.ino === wanted.ino && now.dev === wanted.dev) return;
  const next = join(dirname(path), `.${CURRENT}-${process.pid}-${Date.now()}`);
  await symlink(relativeTarget, next);
  await rename(next, path).catch(async (error: unknown) => {
    await rm(next, { force: true });
    throw error;
  });
}

function noModel(message: string): DownloadError {
  return new DownloadError(DownloadErrorCode.NO_SUCH_FILE, message);
}
