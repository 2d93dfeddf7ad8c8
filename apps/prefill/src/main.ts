// Before anything else: it instruments what the other imports bring.
import '@sliceway/tracing/register';
import { runService } from '@sliceway/service';
import { prefillSchema } from './prefill.config.js';
import { PrefillModule } from './prefill.module.js';

await runService({ role: 'prefill', schema: prefillSchema, module: PrefillModule.forRoot });
