import { runTrace } from './trace-cli.js';

process.exitCode = await runTrace(process.argv.slice(2));
