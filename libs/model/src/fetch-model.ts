/**
 * A program, the init step of a cluster: `SLICEWAY_MODEL_SOURCE=owner/name[:file] node fetch-model.js` fills the volume of models
 * at `SLICEWAY_MODEL_DIR`. Ends with 1 and one line when it cannot.
 */
import { DownloadError } from './download/download-error.js';
import { fetchModelConfigFromEnv } from './fetch-model.config.js';
import { fillModelVolume } from './model-volume.js';

const PROGRESS_MS = 5_000;

const say = (line: string): void => void process.stdout.write(`fetch-model: ${line}\n`);
let saidMs = -Infinity;

// Killed in the middle it goes on from there the next time.
process.once('SIGTERM', () => process.exit(143));
try {
  const model = await fillModelVolume({
    ...fetchModelConfigFromEnv(),
    hub: {
      onNotice: say,
      onProgress: ({ file, receivedBytes, totalBytes }) => {
        if (performance.now() - saidMs < PROGRESS_MS) return;
        saidMs = performance.now();
        say(`${file}: ${(receivedBytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB`);
      },
    },
  });
  say(`the model is ${model}`);
} catch (error) {
  process.stderr.write(`fetch-model: ${error instanceof DownloadError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
