import { integer, serviceSchema } from '@sliceway/service';
import { z } from 'zod';

/** What `setTimeout` takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const tokenizerSchema = serviceSchema.extend({
  SLICEWAY_MODEL: z
    .string({ error: 'expected the path of a model' })
    .describe('the model: a .gguf file, or a folder with config.json and safetensors'),
  SLICEWAY_MAX_PROMPT_CHARS: integer(1).default(1_000_000).describe('characters of a prompt; a longer one is refused'),
  SLICEWAY_MAX_OPEN_REQUESTS: integer(1)
    .default(4096)
    .describe('requests whose text is under way; one more is refused'),
  SLICEWAY_TOKEN_ORDER_TIMEOUT_MS: integer(10, MAX_TIMER_MS)
    .default(5000)
    .describe('how long a token may be overtaken by later ones'),
  // A gateway gives a request up after ten minutes.
  SLICEWAY_TOKEN_IDLE_TIMEOUT_MS: integer(10, MAX_TIMER_MS)
    .default(900_000)
    .describe('a request without a token for this long is given up: nobody waits for it'),
});
export type TokenizerConfig = z.output<typeof tokenizerSchema>;
