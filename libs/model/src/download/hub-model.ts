import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isGguf } from '../find-model.js';
import { DownloadError, DownloadErrorCode } from './download-error.js';
import { downloadFromHub, type HubDownloadOptions } from './download-from-hub.js';

/** A model on a hub; without `file`, the only GGUF file of the repository, or its safetensors. */
export interface HubModelId {
  readonly repo: string;
  readonly file: string | null;
}

/** Downloaded after the others: where it is, all are. */
const LAST_FILE = 'config.json';
const SIDE_FILE = /^(tokenizer.*\.json|special_tokens_map\.json|generation_config\.json|chat_template\.jinja)$/;
const INDEX = 'model.safetensors.index.json';
const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/** Reads `owner/name` or `owner/name:file.gguf`; null when it is a path instead. */
export function parseHubModelId(value: string): HubModelId | null {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?::(.+))?$/.exec(value);
  if (match === null || match[1]!.endsWith('.gguf')) return null;
  return { repo: match[1]!, file: match[2] ?? null };
}

/**
 * The path of a hub's model in a folder of models, downloaded if need be: `<directory>/<owner>--<name>` for safetensors,
 * `/<file>` in it for GGUF. What is there is used without asking the hub; delete it to get a newer one.
 *
 * @throws DownloadError `no_such_file` when the repository has no model or, none being named, several
 */
export async function downloadHubModel(
  { repo, file }: HubModelId,
  options: Omit<HubDownloadOptions, 'repo' | 'file' | 'select'>,
): Promise<string> {
  if (file !== null && !isGguf(file)) {
    throw noModel(`${repo}:${file} is no .gguf file. Name one, or ${repo} alone for its safetensors.`);
  }
  const directory = join(options.directory, repo.replace('/', '--'));
  const found = await findDownloaded(directory, file);
  if (found !== null) return found;
  const { files } = await downloadFromHub({
    ...options,
    repo,
    ...(file === null ? {} : { file }),
    select: (paths) => selectModel(repo, paths),
    directory,
  });
  return files.length === 1 ? files[0]! : directory;
}

async function findDownloaded(directory: string, file: string | null): Promise<string | null> {
  const names = await readdir(directory, { recursive: true }).catch((): string[] => []);
  const ggufs = names.filter(isGguf);
  const known = file === null && ggufs.length === 1 ? ggufs[0] : ggufs.find((name) => name === file);
  if (known !== undefined) return join(directory, known);
  return file === null && names.includes(LAST_FILE) ? directory : null;
}

/** The only GGUF file, else all that safetensors need. */
function selectModel(repo: string, paths: readonly string[]): readonly string[] {
  const ggufs = paths.filter(isGguf);
  if (ggufs.length === 1) return ggufs;
  const weights = selectWeights(paths);
  if (ggufs.length === 0 && weights.length > 0 && paths.includes(LAST_FILE)) {
    if (!paths.includes('tokenizer.json')) {
      throw noModel(`${repo} has no tokenizer.json (tokenizer.model is not read). Use a repository with a .gguf file.`);
    }
    return [...paths.filter((path) => SIDE_FILE.test(path)), ...weights, LAST_FILE];
  }
  throw noModel(
    ggufs.length === 0
      ? `${repo} has no .gguf file and no safetensors with config.json. Name a repository that has one of these.`
      : `${repo} has several .gguf files. Name one of them, as ${repo}:${ggufs[0]}. It has:\n  ${ggufs.join('\n  ')}`,
  );
}

/** One file, or shards with their index; other weights that a repository may have are the same ones in another layout. */
function selectWeights(paths: readonly string[]): readonly string[] {
  if (paths.includes('model.safetensors')) return ['model.safetensors'];
  return paths.includes(INDEX) ? paths.filter((path) => path === INDEX || SHARD.test(path)) : [];
}

function noModel(message: string): DownloadError {
  return new DownloadError(DownloadErrorCode.NO_SUCH_FILE, message);
}
