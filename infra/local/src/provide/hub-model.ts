import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadFromHub, isGguf, type HubConfig } from '@sliceway/model';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { hubProgress } from './hub-progress.js';
import { badSetting } from './local-model.js';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

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
 * The path of a hub's model in the cache, `<cache>/models/<owner>--<name>` for safetensors, `/<file>` in it for GGUF. What is
 * there is used without asking the hub; delete it to get a newer one.
 *
 * @throws ProvisionError `bad_setting` when the repository has no model or, none being named, several
 * @throws DownloadError
 */
export async function provideHubModel(
  { repo, file }: HubModelId,
  config: LocalConfig,
  reporter: Reporter,
  hub: Partial<HubConfig> = {},
): Promise<string> {
  if (file !== null && !isGguf(file)) {
    throw badSetting(`${repo}:${file} is no .gguf file. Name one, or ${repo} alone for its safetensors.`);
  }
  const directory = join(config.cacheDirectory, 'models', repo.replace('/', '--'));
  const cached = await findCached(directory, file);
  if (cached !== null) return cached;
  const progress = hubProgress(repo, reporter);
  const { files } = await downloadFromHub({
    ...hub,
    repo,
    ...(file === null ? {} : { file }),
    select: (paths) => selectModel(repo, paths),
    directory,
    ...progress.callbacks,
  }).catch((error: unknown) => {
    progress.clear();
    throw error;
  });
  progress.finish();
  return files.length === 1 ? files[0]! : directory;
}

async function findCached(directory: string, file: string | null): Promise<string | null> {
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
      throw badSetting(
        `${repo} has no tokenizer.json (tokenizer.model is not read). Use a repository with a .gguf file.`,
      );
    }
    return [...paths.filter((path) => SIDE_FILE.test(path)), ...weights, LAST_FILE];
  }
  const message =
    ggufs.length === 0
      ? `${repo} has no .gguf file and no safetensors with config.json. Name a repository that has one of these.`
      : `${repo} has several .gguf files. Name one of them, as ${repo}:${ggufs[0]}. It has:\n  ${ggufs.join('\n  ')}`;
  throw new ProvisionError(ProvisionErrorCode.BAD_SETTING, message);
}

/** One file, or shards with their index; other weights that a repository may have are the same ones in another layout. */
function selectWeights(paths: readonly string[]): readonly string[] {
  if (paths.includes('model.safetensors')) return ['model.safetensors'];
  return paths.includes(INDEX) ? paths.filter((path) => path === INDEX || SHARD.test(path)) : [];
}
