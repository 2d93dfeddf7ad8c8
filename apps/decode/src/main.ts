// Before anything else: it instruments what the other imports bring.
import '@sliceway/tracing/register';
import { runService } from '@sliceway/service';
import { decodeSchema } from './decode.config.js';
import { DecodeModule } from './decode.module.js';

await runService({ role: 'decode', schema: decodeSchema, module: DecodeModule.forRoot });
