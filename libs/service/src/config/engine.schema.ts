import { z } from 'zod';
import { integer } from './fields.js';
import { serviceSchema } from './service.schema.js';

/** What services with an engine read. */
export const engineSchema = z.object({
  SLICEWAY_MODEL: z
    .string({ error: 'expected the path of a .gguf file or of a folder with safetensors' })
    .describe('the model: a .gguf file, or a folder with config.json, safetensors and tokenizer.json'),
  SLICEWAY_BACKEND: z
    .enum(['auto', 'gpu', 'node', 'wasm'])
    .default('auto')
    .describe('TensorFlow.js backend: gpu, node or wasm; auto takes the best that is installed'),
  SLICEWAY_KV_MEMORY_MB: integer(1, 4000).default(1024).describe('memory for KV pages, in MiB'),
  SLICEWAY_PAGE_TOKENS: integer(16, 1024, 16).default(16).describe('tokens of a KV page, a multiple of 16'),
  SLICEWAY_CHUNKED_PREFILL_TOKENS: integer(16, 8192)
    .default(128)
    .describe('tokens of one forward; longer prompts are computed in chunks'),
  SLICEWAY_MAX_RUNNING: integer(1, 1024).default(32).describe('sequences in a batch'),
  SLICEWAY_MAX_QUEUED: integer(1).default(256).describe('requests that wait; one more is refused'),
  SLICEWAY_CONTEXT_LENGTH: integer(16).optional().describe("cuts the model's context, in tokens"),
  SLICEWAY_KV_WINDOW: integer(1, 1024).default(8).describe('KV frames that may be on their way in one transfer'),
  SLICEWAY_KV_TIMEOUT_MS: integer(100)
    .default(30_000)
    .describe('a transfer whose other end is silent for this long fails'),
});
export type EngineConfig = z.output<typeof engineSchema>;

/** Everything that a service with an engine reads; what does not fit together is a fault, too. */
export const engineServiceSchema = serviceSchema
  .extend(engineSchema.shape)
  .refine((config) => config.SLICEWAY_MAX_RUNNING <= config.SLICEWAY_CHUNKED_PREFILL_TOKENS, {
    path: ['SLICEWAY_MAX_RUNNING'],
    error: ({ input }) =>
      `expected at most SLICEWAY_CHUNKED_PREFILL_TOKENS, ${(input as EngineConfig).SLICEWAY_CHUNKED_PREFILL_TOKENS}: a step has a token of each sequence`,
  });
