import type { ModelConfig } from '../model-config.js';
import { bad } from './refuse.js';

const COUNTS = ['layers', 'hidden', 'heads', 'kvHeads', 'headDim', 'ffn', 'vocabSize', 'contextLength'] as const;

/** The config itself, if its numbers can be a transformer's. @throws ModelFileError (bad_metadata) */
export function checkedConfig(path: string, config: ModelConfig): ModelConfig {
  const fault = findFault(config);
  if (fault === undefined) return config;
  throw bad(path, fault);
}

function findFault(config: ModelConfig): string | undefined {
  for (const name of COUNTS) {
    const value = config[name];
    if (!(Number.isSafeInteger(value) && value > 0)) return `${name} is ${value}; it must be a positive integer`;
  }
  for (const name of ['ropeTheta', 'rmsEps'] as const) {
    if (!(config[name] > 0 && config[name] < Infinity)) return `${name} is ${config[name]}; it must be positive`;
  }
  if (config.headDim % 2 !== 0) return `head dimension ${config.headDim} is odd; RoPE rotates pairs`;
  if (config.heads % config.kvHeads !== 0) return `${config.heads} heads cannot share ${config.kvHeads} KV heads`;
  return undefined;
}
