import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  readJaegerTrace,
  readOtlpJson,
  renderTree,
  ridsOf,
  TraceFormatError,
  tracesOf,
  type TraceSpan,
} from '@sliceway/tracing';
import { TraceError } from './trace-error.js';

/** Where a trace is printed to; a terminal has columns and colours. */
export interface TraceOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A rotated file keeps its name and gets a number. */
const TRACE_FILE = /\.(json|jsonl|ndjson)(\.\d+)?$/;
const MAX_RIDS = 10;
const MAX_COLUMNS = 140;

/**
 * Prints the tree and the critical path of a request from a file of OTLP JSON lines (or an answer of Jaeger's), or from all such
 * files of a folder together.
 *
 * @param rid or its beginning; the last request if not given
 * @throws TraceError if there is no such trace
 */
export async function printTrace(path: string, rid: string | undefined, out: TraceOutput): Promise<void> {
  const spans = await readSpans(path);
  const rids = ridsOf(spans);
  if (rids.length === 0) throw new TraceError(`${path} holds no trace of a request`);
  const found = rid === undefined ? rids.slice(-1) : rids.filter((each) => each.startsWith(rid));
  if (found.length !== 1) throw new TraceError(refusal(path, rid!, found, rids));
  const width = out.columns === undefined ? {} : { width: Math.min(out.columns, MAX_COLUMNS) };
  out.write(renderTree(tracesOf(spans, found[0]!), { ...width, color: out.isTTY === true, rid: found[0]! }));
}

function refusal(path: string, rid: string, found: readonly string[], rids: readonly string[]): string {
  const listed = found.length === 0 ? rids : found;
  const what =
    found.length === 0 ? `${path} holds no request ${rid}` : `${found.length} requests in ${path} begin with ${rid}`;
  const last = listed.slice(-MAX_RIDS).map((each) => `  ${each}`);
  return `${what}; ${listed.length > MAX_RIDS ? `the last ${MAX_RIDS}` : 'there'} are:\n${last.join('\n')}`;
}

async function readSpans(path: string): Promise<TraceSpan[]> {
  const files = await filesOf(path);
  if (files.length === 0) throw new TraceError(`${path} has no .json or .jsonl file in it`);
  return (await Promise.all(files.map(readFileSpans))).flat();
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => TRACE_FILE.test(name)).sort();
    return names.map((name) => join(path, name));
  } catch (error) {
    throw new TraceError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function readFileSpans(file: string): Promise<TraceSpan[]> {
  const text = await readFile(file, 'utf8');
  try {
    const jaeger = jaegerAnswer(text);
    return jaeger === undefined ? readOtlpJson(text) : readJaegerTrace(jaeger);
  } catch (error) {
    if (error instanceof TraceFormatError) throw new TraceError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Undefined if it is none: OTLP JSON lines are no JSON taken together, or have no `data`. */
function jaegerAnswer(text: string): unknown {
  if (!/^\s*\{\s*"data"\s*:/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
