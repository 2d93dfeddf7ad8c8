import { AttributeName, EventName, SliceName } from '../names.js';
import type { TraceSpan } from '../trace-span.js';
import { type CriticalPath, criticalPath } from './critical-path.js';
import { pathTable } from './path-table.js';
import { TraceRole, WAITING_SLICES } from './slice-place.js';
import { placeOf, roleOfRequest, SpanPlace, SpanTree } from './span-tree.js';
import { fit, Ink, inkOfRole, type Paint, paintWith, plain, timeText, wrap } from './terminal-text.js';
import { type Stretch, TimeAxis } from './time-axis.js';
import { type TreeRow, treeRows } from './tree-rows.js';

export interface RenderTreeOptions {
  /** Columns of the terminal; 110 if not given. */
  readonly width?: number;
  /** With ANSI colours. */
  readonly color?: boolean;
  /** Of the request whose critical path is shown, or its beginning; the first one if not given. */
  readonly rid?: string;
}

const LEGEND = '█ works  ░ waits for others  ▪ nested  ─ holds what is below it';
const MIN_WIDTH = 72;
const TIME_COLUMNS = 10;
/** For another thread, or in a queue. */
const WAITS: ReadonlySet<string> = new Set<string>([
  ...WAITING_SLICES,
  SliceName.prefillWaiting,
  SliceName.decodeWaiting,
]);

/** A trace as text: its tree on the axis of time, then the request's critical path. */
export function renderTree(
  spans: readonly TraceSpan[],
  { width = 110, color = false, rid }: RenderTreeOptions = {},
): string {
  const columns = Math.max(MIN_WIDTH, width);
  const paint = paintWith(color);
  const tree = new SpanTree(spans);
  const path = criticalPath(spans, rid);
  const roots = tree.roots().filter((root) => placeOf(root) !== SpanPlace.batchStep);
  const rows = treeRows(tree, roots);
  const lines = [...heading(tree, path, roots, paint), '', ...treeLines(rows, columns, paint), paint(LEGEND, Ink.dim)];
  if (path !== null) lines.push('', ...pathTable(path, columns, paint));
  return `${lines.join('\n')}\n`;
}

function heading(tree: SpanTree, path: CriticalPath | null, roots: readonly TraceSpan[], paint: Paint): string[] {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const steps = tree.spans.filter((span) => placeOf(span) === SpanPlace.batchStep).length;
  const parts = [count(tree.spans.length - steps, 'span'), ...(steps > 0 ? [count(steps, 'batch step')] : [])];
  const lines = [...new Set(roots.map(({ traceId }) => traceId))].map(
    (id) => `${paint('trace  ', Ink.dim)}${paint(id, Ink.bold)}`,
  );
  if (path === null) return [...lines, parts.join(' · ')];
  // Of several attempts the last one has the answer.
  const gateway = tree.spans.findLast(
    (span) =>
      placeOf(span) === SpanPlace.request &&
      roleOfRequest(span) === TraceRole.gateway &&
      span.attributes[AttributeName.rid] === path.rid,
  );
  const of = (key: string): string[] =>
    gateway?.attributes[key] === undefined ? [] : [String(gateway.attributes[key])];
  const tokens = [
    ...of(AttributeName.inputTokens).map((n) => `${n} tokens in`),
    ...of(AttributeName.outputTokens).map((n) => `${n} out`),
  ];
  lines.push(`${paint('request', Ink.dim)}${paint(` ${plain(path.rid)}`, Ink.bold)}`);
  const ttft = path.ttftNs === null ? 'no token' : `TTFT ${timeText(path.ttftNs)}`;
  parts.unshift(ttft, `E2E ${timeText(path.e2eNs)}`, ...of(AttributeName.requestModel).map(plain), ...tokens);
  return [...lines, parts.join(' · ')];
}

function treeLines(rows: readonly TreeRow[], width: number, paint: Paint): string[] {
  if (rows.length === 0) return ['no spans'];
  const longest = Math.max(
    ...rows.map(({ lead, label, notes }) => lead.length + label.length + (notes.isError ? 2 : 0)),
  );
  const nameColumns = Math.min(Math.max(longest, 24) + 1, Math.floor(width * 0.42));
  const axis = new TimeAxis(stretchOf(rows.flatMap(({ spans }) => spans)), width - nameColumns - 2 * TIME_COLUMNS - 2);
  const head = 'SPAN'.padEnd(nameColumns) + 'START'.padStart(TIME_COLUMNS) + 'TIME'.padStart(TIME_COLUMNS);
  const lines = [paint(`${head}  ${axis.ruler()}`, Ink.dim)];
  for (const row of rows) {
    const { startNs, endNs } = stretchOf(row.spans);
    const times = [startNs - axis.startNs, endNs - startNs].map((ns) => timeText(ns).padStart(TIME_COLUMNS)).join('');
    const { isError, reason, notes } = row.notes;
    const mark = isError ? ' ✗' : '';
    const label = fit(row.label, nameColumns - 1 - row.lead.length - mark.length) + mark;
    const isFrame = row.place !== SpanPlace.slice && row.place !== SpanPlace.message;
    const ink = isError ? Ink.red : inkOfRole(row.role);
    const name = paint(row.lead, Ink.dim) + paint(label, ink, isFrame ? Ink.bold : null);
    const padding = ' '.repeat(nameColumns - row.lead.length - label.length);
    const bar = axis.bar(partsOf(row)).trimEnd();
    lines.push(
      `${name}${padding}${paint(times, isFrame ? Ink.dim : null)}  ${paint(bar, ink, isFrame ? Ink.dim : null)}`,
    );
    for (const text of wrap(reason === null ? [] : [`✗ ${reason}`], width - row.below.length - 2)) {
      lines.push(`${paint(row.below, Ink.dim)}  ${paint(text, Ink.red)}`);
    }
    for (const text of wrap(notes, width - row.below.length - 2)) {
      lines.push(`${paint(row.below, Ink.dim)}  ${paint(text, Ink.dim)}`);
    }
  }
  return lines;
}

/** Waits are light, work is solid; what only holds others is a line. */
function partsOf({ place, isNested, spans }: TreeRow): { stretch: Stretch; fill: string }[] {
  const span = spans[0]!;
  if (spans.length > 1) return spans.map((stretch) => ({ stretch, fill: '▪' }));
  if (place === SpanPlace.message) return [{ stretch: span, fill: '▪' }];
  if (place !== SpanPlace.slice) return [{ stretch: span, fill: '─' }];
  if (isNested) return [{ stretch: span, fill: '▪' }];
  if (WAITS.has(span.name)) return [{ stretch: span, fill: '░' }];
  const at = (name: string): bigint | undefined => span.events.find((event) => event.name === name)?.timeNs;
  const { startNs, endNs } = span;
  const work = (from: bigint, to: bigint) => ({ stretch: { startNs: from, endNs: to }, fill: '█' });
  if (span.name === SliceName.stream)
    return [{ stretch: span, fill: '░' }, work(at(EventName.lastText) ?? endNs, endNs)];
  if (span.name !== SliceName.detokenize) return [work(startNs, endNs)];
  const windows = [work(startNs, at(EventName.firstText) ?? startNs), work(at(EventName.lastToken) ?? endNs, endNs)];
  return [{ stretch: span, fill: '░' }, ...windows];
}

function stretchOf(spans: readonly TraceSpan[]): Stretch {
  return spans.reduce<Stretch>(
    (all, { startNs, endNs }) => ({
      startNs: startNs < all.startNs ? startNs : all.startNs,
      endNs: endNs > all.endNs ? endNs : all.endNs,
    }),
    spans[0]!,
  );
}
