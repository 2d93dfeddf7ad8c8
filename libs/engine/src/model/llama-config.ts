import { ModelFileError, type GgufFile } from '@sliceway/model';

/** The shape of a Llama-family transformer. */
export interface LlamaConfig {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ffn: number;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly ropeTheta: number;
  readonly rmsEps: number;
}

/**
 * Reads the shape from a GGUF's `llama.*` metadata.
 * @throws ModelFileError when the architecture is another one, or a value does not fit the kernels.
 */
export function readLlamaConfig(file: GgufFile): LlamaConfig {
  const architecture = file.getString('general.architecture');
  if (architecture !== 'llama') {
    throw new ModelFileError(
      'unsupported_architecture',
      `${file.path}: architecture "${architecture}" is not supported; use a "llama" model`,
    );
  }
  const number = (key: string): number => file.getNumber(`llama.${key}`);
  const heads = number('attention.head_count');
  const hidden = number('embedding_length');
  const embedding = file.tensors.get('token_embd.weight');
  if (!embedding) throw new ModelFileError('missing_tensor', `${file.path}: token_embd.weight is missing`);
  const config: LlamaConfig = {
    layers: number('block_count'),
    hidden,
    heads,
    kvHeads: file.findNumber('llama.attention.head_count_kv') ?? heads,
    headDim: file.findNumber('llama.attention.key_length') ?? hidden / heads,
    ffn: number('feed_forward_length'),
    vocabSize: embedding.shape[1]!,
    contextLength: number('context_length'),
    ropeTheta: file.findNumber('llama.rope.freq_base') ?? 10_000,
    rmsEps: number('attention.layer_norm_rms_epsilon'),
  };
  const fault = findFault(config);
  if (fault) throw new ModelFileError('unsupported_architecture', `${file.path}: ${fault}`);
  return config;
}

/** The SIMD kernels work on 16 floats of a head and 4 of a row at a time. */
function findFault(c: LlamaConfig): string | undefined {
  for (const [name, value] of Object.entries(c)) {
    if (!(value > 0)) return `${name} is ${value}; it must be positive`;
  }
  if (c.headDim % 16 !== 0) return `head dimension ${c.headDim} is not a multiple of 16`;
  if (c.hidden % 4 !== 0 || c.ffn % 4 !== 0) return `widths ${c.hidden} and ${c.ffn} must be multiples of 4`;
  if (c.heads % c.kvHeads !== 0) return `${c.heads} heads cannot share ${c.kvHeads} KV heads`;
  return undefined;
}
