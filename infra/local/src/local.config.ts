import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** What the environment says about this machine. */
export interface LocalConfig {
  /** `NATS_URL`: a broker that runs already. */
  readonly natsUrl: string | null;
  /** `NATS_SERVER`: path of a nats-server binary. */
  readonly natsServer: string | null;
  /** `SLICEWAY_MODEL`: a .gguf file, a folder of safetensors, or `owner/name[:file]` on the hub. */
  readonly model: string | null;
  /** Folders of `PATH`. */
  readonly searchPath: readonly string[];
  /** Where downloads are kept: `sliceway` in `XDG_CACHE_HOME`, else in `~/.cache`. */
  readonly cacheDirectory: string;
  /** `SLICEWAY_JAEGER`: path of a Jaeger 1 all-in-one binary. */
  readonly jaeger: string | null;
  /** `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go. */
  readonly otlpEndpoint: string | null;
  /** `SLICEWAY_TRACE_DIRECTORY`: where the services keep their last traces when there is no OTLP endpoint. */
  readonly traceDirectory: string | null;
  /** `SLICEWAY_NATIVE`: where native backends are installed; else `native` in the cache. */
  readonly nativeDirectory: string;
  /** All of it, for programs that are started (pip has settings of its own there). */
  readonly environment: NodeJS.ProcessEnv;
}

/** Reads the environment once; a relative `XDG_CACHE_HOME` is ignored, as its specification demands. */
export function localConfigFromEnv(env: NodeJS.ProcessEnv = process.env): LocalConfig {
  const { NATS_URL, NATS_SERVER, SLICEWAY_MODEL, SLICEWAY_NATIVE, PATH, XDG_CACHE_HOME } = env;
  const { SLICEWAY_JAEGER, SLICEWAY_TRACE_DIRECTORY } = env;
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = env;
  const traceDirectory = SLICEWAY_TRACE_DIRECTORY?.trim();
  const cacheHome = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache');
  const cacheDirectory = join(cacheHome, 'sliceway');
  const native = SLICEWAY_NATIVE?.trim();
  return {
    natsUrl: NATS_URL?.trim() || null,
    natsServer: NATS_SERVER?.trim() || null,
    model: SLICEWAY_MODEL?.trim() || null,
    searchPath: (PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    cacheDirectory,
    jaeger: SLICEWAY_JAEGER?.trim() || null,
    otlpEndpoint: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() || OTEL_EXPORTER_OTLP_ENDPOINT?.trim() || null,
    traceDirectory: traceDirectory ? resolve(traceDirectory) : null,
    nativeDirectory: native ? resolve(native) : join(cacheDirectory, 'native'),
    environment: env,
  };
}
