import { engineSchema, serviceSchema } from '@sliceway/service';
import type { z } from 'zod';

export const prefillSchema = serviceSchema.extend(engineSchema.shape);
export type PrefillConfig = z.output<typeof prefillSchema>;
