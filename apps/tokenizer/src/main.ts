// Before anything else: it instruments what the other imports bring.
import '@sliceway/tracing/register';
import { runService } from '@sliceway/service';
import { tokenizerSchema } from './tokenizer.config.js';
import { TokenizerModule } from './tokenizer.module.js';

await runService({ role: 'tokenizer', schema: tokenizerSchema, module: TokenizerModule.forRoot });
