import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type EngineOptions } from '@sliceway/engine';
import { tinyFamily } from '@sliceway/testing';
import { GgufFloat32, writeGguf, type GgufTensorSource } from '@sliceway/model';

/** Whose tokenizer goes with models made here. */
const FAMILY = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 266,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};
const HIDDEN = 32;
const VOCAB = 40;
const metadata = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.context_length': 64,
  'llama.embedding_length': HIDDEN,
  'llama.feed_forward_length': HIDDEN,
  'llama.attention.head_count': 2,
  'llama.attention.layer_norm_rms_epsilon': new GgufFloat32(1e-5),
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'smollm',
  'tokenizer.ggml.tokens': Array.from({ length: VOCAB }, (_, i) => `t${i}`),
  'tokenizer.ggml.merges': [],
};

function tensor(name: string, ...shape: number[]): GgufTensorSource {
  return {
    name: `${name}.weight`,
    type: 'F32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1),
  };
}

const tensors: readonly GgufTensorSource[] = [
  tensor('token_embd', HIDDEN, VOCAB),
  tensor('blk.0.attn_norm', HIDDEN),
  ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((name) =>
    tensor(`blk.0.${name}`, HIDDEN, HIDDEN),
  ),
  tensor('blk.0.ffn_norm', HIDDEN),
  tensor('output_norm', HIDDEN),
];

describe('what the engine refuses before it starts a thread', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-refusals-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const tokenizer = tinyFamily(folder, { name: 'tokenizer', seed: 1, config: FAMILY }, 'safetensors');

  function start(
    changed: { metadata?: object; tensors?: readonly GgufTensorSource[] } & Partial<EngineOptions> = {},
  ): Promise<{ close(): Promise<void> }> {
    const { metadata: entries, tensors: others, ...options } = changed;
    const modelPath = join(folder, 'model.gguf');
    writeGguf(modelPath, { ...metadata, ...entries }, others ?? tensors);
    return startEngine({ modelPath, backend: 'wasm', kvMemoryMb: 1, ...options });
  }
  const without = (name: string): GgufTensorSource[] => tensors.filter((t) => t.name !== `${name}.weight`);

  it('takes the model as it is', async () => {
    await (await start()).close();
  });

  it.each([
    ['a missing tensor', { tensors: without('blk.0.ffn_up') }, 'missing_tensor', /blk\.0\.ffn_up\.weight is missing/],
    [
      'a tensor of another shape',
      { tensors: [...without('blk.0.attn_q'), tensor('blk.0.attn_q', HIDDEN, 48)] },
      'bad_shape',
      /blk\.0\.attn_q\.weight is \[32,48\], expected \[32,32\]/,
    ],
    [
      'a tensor that it does not know',
      { tensors: [...tensors, tensor('blk.0.attn_q_norm', HIDDEN)] },
      'unsupported_architecture',
      /blk\.0\.attn_q_norm\.weight is none that a llama has/,
    ],
    [
      'a type that it does not read',
      {
        tensors: [
          ...without('output_norm'),
          { name: 'output_norm.weight', type: 'I8', shape: [HIDDEN], data: new Uint8Array(HIDDEN) },
        ],
      },
      'unknown_tensor_type',
      /output_norm\.weight is I8; the engine reads F32, F16, BF16/,
    ],
    ['another architecture', { metadata: { 'general.architecture': 'gemma' } }, 'unsupported_architecture', /gemma/],
    [
      'heads that the kernels do not take',
      { metadata: { 'llama.attention.head_count': 4 } },
      'unsupported_architecture',
      /heads have 8 dimensions; the engine takes multiples of 16/,
    ],
  ])('%s', async (_, changed, code, message) => {
    await expect(start(changed)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    [{ pageTokens: 24 }, /multiple of 16/],
    [{ maxRunning: 200 }, /maxRunning \(200\) must not exceed batchTokens/],
    [{ kvMemoryMb: 0 }, /kvMemoryMb is 0; use a positive number/],
    [{ kvMemoryMb: 0.001 }, /one KV page of this model needs more/],
    [{ maxRunning: 0 }, /maxRunning is 0; use a positive integer/],
    [{ contextLength: -16 }, /contextLength is -16/],
    [{ backend: 'cuda' as 'gpu' }, /backend is "cuda"; use auto, gpu, node, wasm/],
    [{ attention: 'flash' as 'simd' }, /attention is "flash"; use simd or tensor/],
  ])('options that do not fit: %j', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });

  it('more KV pages than an address space holds', async () => {
    await expect(start({ kvMemoryMb: 5000 })).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/memory holds 4 GiB: use a smaller kvMemoryMb \(SLICEWAY_KV_MEMORY_MB\)/),
    });
  });

  it('a model that the backend does not hold, of which nothing was read', async () => {
    const [hidden, vocab] = [2048, 300_000];
    const modelPath = join(folder, 'large');
    mkdirSync(modelPath);
    const sizes: [string, number[]][] = [
      ['model.embed_tokens', [vocab, hidden]],
      ['model.norm', [hidden]],
      ...['input_layernorm', 'post_attention_layernorm'].map((name): [string, number[]] => [name, [hidden]]),
      ...['self_attn.q', 'self_attn.k', 'self_attn.v', 'self_attn.o', 'mlp.gate', 'mlp.up', 'mlp.down'].map(
        (name): [string, number[]] => [`${name}_proj`, [hidden, hidden]],
      ),
    ];
    let end = 0;
    const header: Record<string, object> = {};
    for (const [name, shape] of sizes) {
      const start = end;
      end += 2 * shape.reduce((a, b) => a * b);
      const full = name.startsWith('model.') ? name : `model.layers.0.${name}`;
      header[`${full}.weight`] = { dtype: 'BF16', shape, data_offsets: [start, end] };
    }
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    const weights = join(modelPath, 'model.safetensors');
    writeFileSync(weights, Buffer.concat([length, json]));
    // Sparse: it takes no room on disk.
    truncateSync(weights, 8 + json.length + end);
    const config = {
      model_type: 'llama',
      hidden_size: hidden,
      intermediate_size: hidden,
      num_hidden_layers: 1,
      num_attention_heads: 16,
      vocab_size: vocab,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
    };
    writeFileSync(join(modelPath, 'config.json'), JSON.stringify(config));
    writeFileSync(join(modelPath, 'tokenizer.json'), readFileSync(join(tokenizer, 'tokenizer.json')));
    await expect(startEngine({ modelPath, backend: 'wasm', kvMemoryMb: 64 })).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(
        /large needs 4\.\d\d GiB \(weights 4\.\d\d GiB, .*backend wasm holds 3\.98 GiB: use SLICEWAY_BACKEND=node/,
      ),
    });
  });

  it('a backend that is not installed', async () => {
    await expect(start({ backend: 'gpu', nativeDirectory: folder })).rejects.toMatchObject({
      code: 'not_installed',
      message: expect.stringContaining('npm run native -- --gpu'),
    });
  });

  it('but not `auto` without a native backend: that is wasm', async () => {
    const engine = await startEngine({
      modelPath: join(folder, 'model.gguf'),
      nativeDirectory: folder,
      kvMemoryMb: 1,
    });
    expect(engine.info.backend).toBe('wasm');
    await engine.close();
  });
});
