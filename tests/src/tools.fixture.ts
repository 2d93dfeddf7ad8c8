import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';

/** Where a script that prints the path of a program may lie beside the checkout. */
const SCRIPTS = join(REPOSITORY_ROOT, '..', 'shared', 'tools');
/** It may have to unpack the program first. */
const SCRIPT_TIMEOUT_MS = 120_000;

interface Tool {
  /** Of an environment variable with the program's path. */
  readonly variable: string;
  /** On PATH. */
  readonly names: readonly string[];
  readonly script?: string;
}

/** Path of a Jaeger 1 all-in-one; null where there is none. */
export function jaegerBinary(): string | null {
  return find({ variable: 'SLICEWAY_JAEGER', names: ['jaeger-all-in-one'], script: 'get-jaeger' });
}

/** Path of an OpenTelemetry Collector; null where there is none. */
export function collectorBinary(): string | null {
  return find({ variable: 'SLICEWAY_OTELCOL', names: ['otelcol', 'otelcol-contrib'], script: 'get-otelcol' });
}

/** Path of a Prometheus 2; null where there is none. */
export function prometheusBinary(): string | null {
  return find({ variable: 'SLICEWAY_PROMETHEUS', names: ['prometheus'] });
}

/** Path of what comes with it and checks its files; null where there is none. */
export function promtoolBinary(): string | null {
  return find({ variable: 'SLICEWAY_PROMTOOL', names: ['promtool'] });
}

function find({ variable, names, script }: Tool): string | null {
  const set = process.env[variable];
  if (set) return set;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
  if (onPath !== undefined) return onPath;
  if (script === undefined) return null;
  const printer = join(SCRIPTS, script);
  if (!isExecutable(printer)) return null;
  return execFileSync(printer, { encoding: 'utf8', timeout: SCRIPT_TIMEOUT_MS }).trim();
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
