import { isInstrumented } from './register.config.js';
import { startInstrumentation } from './start-instrumentation.js';

/**
 * Instruments this process as it is imported: to be the first import of a program. Nothing is done where the environment
 * turns OpenTelemetry or tracing off.
 */
if (isInstrumented()) startInstrumentation();
