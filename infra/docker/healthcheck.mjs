/** HEALTHCHECK of the images: ends with 0 when this service is ready, and prints the reasons when it is not. */
import { PORT } from './port.config.mjs';

const response = await fetch(`http://127.0.0.1:${PORT}/health/ready`, { signal: AbortSignal.timeout(4000) });
process.stdout.write(await response.text());
process.exitCode = response.ok ? 0 : 1;
