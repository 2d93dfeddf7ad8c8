import type { Destinations } from './create-sinks.js';
import type { ExporterOptions } from './start-exporter.js';
import { type OtelConfig, TracesExporter } from './otel.config.js';

const FILE_DIRECTORY = 'traces';

/** Where spans go by options and environment, and the names of it. */
export function chooseDestinations(
  options: ExporterOptions,
  config: OtelConfig,
): { readonly destinations: Destinations; readonly names: readonly string[] } {
  const { endpoint, fallbackFile, protocol = config.protocol } = options;
  const processorModule = options.processor ?? config.processorModule;
  const exporterModule = options.exporter ?? config.exporterModule;
  const directory = config.traceDirectory;
  const file = fallbackFile ?? (directory === undefined ? undefined : { directory });
  const modules = [processorModule, exporterModule].filter((path) => path !== undefined);

  function exporters(): readonly TracesExporter[] {
    if (config.exporters !== null) return config.exporters.filter((name) => name !== TracesExporter.none);
    if (endpoint !== undefined || config.hasEndpoint) return [TracesExporter.otlp];
    return file !== undefined && modules.length === 0 ? [TracesExporter.otlpFile] : [];
  }

  const chosen = exporters();
  return {
    destinations: {
      exporters: chosen,
      endpoint,
      protocol,
      file: file ?? { directory: FILE_DIRECTORY },
      processorModule,
      exporterModule,
    },
    names: config.isDisabled ? [] : [...chosen, ...modules],
  };
}
