import { resolve } from 'node:path';

/** What `fetch-model` is to bring, and where to. */
export interface FetchModelConfig {
  /** `SLICEWAY_MODEL_SOURCE`: `owner/name[:file]` on a Hugging Face hub, or the name of something in the folder. */
  readonly source: string | null;
  /** `SLICEWAY_MODEL_DIR`: the folder of models, `/models` when not set. */
  readonly directory: string;
}

/** An empty variable counts as not set. */
export function fetchModelConfigFromEnv(env: NodeJS.ProcessEnv = process.env): FetchModelConfig {
  const { SLICEWAY_MODEL_SOURCE, SLICEWAY_MODEL_DIR } = env;
  return {
    source: SLICEWAY_MODEL_SOURCE?.trim() || null,
    directory: resolve(SLICEWAY_MODEL_DIR?.trim() || '/models'),
  };
}
