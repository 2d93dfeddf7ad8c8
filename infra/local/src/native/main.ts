import { runNativeCli } from './native-cli.js';

process.exitCode = await runNativeCli(process.argv.slice(2));
