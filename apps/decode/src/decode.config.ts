import { engineSchema, serviceSchema } from '@sliceway/service';
import type { z } from 'zod';

export const decodeSchema = serviceSchema.extend(engineSchema.shape);
export type DecodeConfig = z.output<typeof decodeSchema>;
