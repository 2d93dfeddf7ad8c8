import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';

/** Where SmolLM2 lies: `SLICEWAY_MODEL`, else the project's cache. */
export function modelPath(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const path = process.env['SLICEWAY_MODEL'] ?? join(cache, 'sliceway', 'models', FILE);
  if (existsSync(path)) return path;
  throw new Error(`${path} is missing. "npm test" provides it; or name ${FILE} in SLICEWAY_MODEL.`);
}
