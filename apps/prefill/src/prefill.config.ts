import { engineServiceSchema } from '@sliceway/service';
import type { z } from 'zod';

export const prefillSchema = engineServiceSchema;
export type PrefillConfig = z.output<typeof prefillSchema>;
