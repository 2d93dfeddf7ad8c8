import { join } from 'node:path';
import { DownloadError, DownloadErrorCode, downloadHubModel, type HubConfig, type HubModelId } from '@sliceway/model';
import type { LocalConfig } from '../local.config.js';
import type { Reporter } from '../reporter.js';
import { hubProgress } from './hub-progress.js';
import { badSetting } from './local-model.js';

/**
 * The path of a hub's model in the cache, `<cache>/models/<owner>--<name>` for safetensors, `/<file>` in it for GGUF.
 *
 * @throws ProvisionError `bad_setting` when the repository has no model or, none being named, several
 * @throws DownloadError
 */
export async function provideHubModel(
  id: HubModelId,
  config: LocalConfig,
  reporter: Reporter,
  hub: Partial<HubConfig> = {},
): Promise<string> {
  const directory = join(config.cacheDirectory, 'models');
  const progress = hubProgress(id.repo, reporter);
  try {
    const path = await downloadHubModel(id, { ...hub, directory, ...progress.callbacks });
    progress.finish();
    return path;
  } catch (error) {
    progress.clear();
    const isSetting = error instanceof DownloadError && error.code === DownloadErrorCode.NO_SUCH_FILE;
    throw isSetting ? badSetting(error.message) : error;
  }
}
