import { engineServiceSchema } from '@sliceway/service';
import type { z } from 'zod';

export const decodeSchema = engineServiceSchema;
export type DecodeConfig = z.output<typeof decodeSchema>;
