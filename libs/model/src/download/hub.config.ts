/** How to reach a hub. */
export interface HubConfig {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Never to be asked. */
  readonly offline: boolean;
}

/** Reads `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`, with the meaning that huggingface_hub gives them. */
export function hubConfigFromEnv(env: NodeJS.ProcessEnv = process.env): HubConfig {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE } = env;
  return {
    endpoint: (HF_ENDPOINT?.trim() || 'https://huggingface.co').replace(/\/+$/, ''),
    token: HF_TOKEN?.trim() || null,
    offline: ['1', 'ON', 'YES', 'TRUE'].includes(HF_HUB_OFFLINE?.toUpperCase() ?? ''),
  };
}
