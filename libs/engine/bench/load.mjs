// CPU time of a process from its start until the model is ready, file in the page cache.
// Usage: SLICEWAY_MODEL=model.gguf node load.mjs   prints { cpuSeconds, wallSeconds }.
import { startEngine } from '@sliceway/engine';

const engine = await startEngine({ modelPath: process.env.SLICEWAY_MODEL, backend: 'wasm' });
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ cpuSeconds: (user + system) / 1e6, wallSeconds: process.uptime() }) + '\n');
await engine.close();
