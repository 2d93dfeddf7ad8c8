import { integer, serviceSchema } from '@sliceway/service';
import { z } from 'zod';

export const tokenizerSchema = serviceSchema.extend({
  SLICEWAY_MODEL: z.string({ error: 'expected the path of a .gguf file' }).describe('the model: a .gguf file'),
  SLICEWAY_MAX_PROMPT_CHARS: integer(1).default(1_000_000).describe('characters of a prompt; a longer one is refused'),
  SLICEWAY_MAX_OPEN_REQUESTS: integer(1)
    .default(4096)
    .describe('requests whose text is under way; one more is refused'),
  SLICEWAY_TOKEN_ORDER_TIMEOUT_MS: integer(10)
    .default(5000)
    .describe('how long a token may be overtaken by later ones'),
});
export type TokenizerConfig = z.output<typeof tokenizerSchema>;
