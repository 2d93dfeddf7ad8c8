/** Injection tokens of what has no class of its own. */
export const CONFIG = Symbol('config');
export const LOGGER = Symbol('logger');
export const METRICS = Symbol('metrics');
/** The raw NATS connection of the hot path. */
export const HOT_PATH = Symbol('hot path');
/** The engine of prefill and decode; the app provides it. */
export const ENGINE = Symbol('engine');
/** Tracing of this process. */
export const TRACING = Symbol('tracing');
