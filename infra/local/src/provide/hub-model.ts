import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadFromHub, type HubConfig } from '@sliceway/model';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { hubProgress } from './hub-progress.js';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

/** A GGUF file on a hub; without `file`, the only one of the repository. */
export interface HubModelId {
  readonly repo: string;
  readonly file: string | null;
}

/** Reads `owner/name` or `owner/name:file.gguf`; null when it is a path instead. */
export function parseHubModelId(value: string): HubModelId | null {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?::(.+))?$/.exec(value);
  if (match === null || match[1]!.endsWith('.gguf')) return null;
  return { repo: match[1]!, file: match[2] ?? null };
}

/**
 * The path of a hub's GGUF file in the cache, `<cache>/models/<owner>--<name>/<file>`. What is there is used without asking
 * the hub; delete it to get a newer one.
 *
 * @throws ProvisionError `bad_setting` when the repository has no GGUF file or, none being named, several
 * @throws DownloadError
 */
export async function provideHubModel(
  { repo, file }: HubModelId,
  config: LocalConfig,
  reporter: Reporter,
  hub: Partial<HubConfig> = {},
): Promise<string> {
  const directory = join(config.cacheDirectory, 'models', repo.replace('/', '--'));
  const cached = (await readdir(directory, { recursive: true }).catch(() => [])).filter(isGguf);
  const known = file === null && cached.length === 1 ? cached[0] : cached.find((name) => name === file);
  if (known !== undefined) return join(directory, known);
  const progress = hubProgress(reporter);
  const { files } = await downloadFromHub({
    ...hub,
    repo,
    ...(file === null ? {} : { file }),
    select: (paths) => [onlyGguf(repo, paths)],
    directory,
    ...progress.callbacks,
  }).catch((error: unknown) => {
    progress.clear();
    throw error;
  });
  progress.finish();
  return files[0]!;
}

function onlyGguf(repo: string, paths: readonly string[]): string {
  const found = paths.filter(isGguf);
  if (found.length === 1) return found[0]!;
  const message =
    found.length === 0
      ? `${repo} has no .gguf file. Name a repository that has one (safetensors models are not supported yet).`
      : `${repo} has several .gguf files. Name one of them, as ${repo}:${found[0]}. It has:\n  ${found.join('\n  ')}`;
  throw new ProvisionError(ProvisionErrorCode.BAD_SETTING, message);
}

function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}
