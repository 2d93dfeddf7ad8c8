import type { CriticalPath } from './critical-path.js';
import { isHop, type Segment, UNATTRIBUTED } from './segment.js';
import { fit, Ink, inkOfRole, type Paint, percentText, plain, timeText } from './terminal-text.js';
import { TimeAxis } from './time-axis.js';

const NAME_COLUMNS = 27;
const WHERE_COLUMNS = 19;
const NUMBER_COLUMNS = 9;
/** A narrower bar says nothing. */
const MIN_BAR_COLUMNS = 10;

/** The critical path as a table: each segment with its share of TTFT and of E2E, and where it is in time if there is room. */
export function pathTable(path: CriticalPath, width: number, paint: Paint): string[] {
  const { e2e, ttft, ttftNs, e2eNs, ttftUnattributedNs, unattributedNs } = path;
  const rest = width - NAME_COLUMNS - 4 * NUMBER_COLUMNS - 2;
  const whereColumns = rest < WHERE_COLUMNS ? 0 : WHERE_COLUMNS;
  const columns = rest - whereColumns;
  const startNs = e2e[0]?.startNs ?? 0n;
  const axis = columns < MIN_BAR_COLUMNS ? null : new TimeAxis({ startNs, endNs: startNs + e2eNs }, columns);
  const numbersText = (numbers: readonly string[]): string =>
    numbers.map((text) => text.padStart(NUMBER_COLUMNS)).join('');
  const left = (name: string, where: string): string => {
    const shown = whereColumns === 0 ? '' : fit(where, whereColumns - 1).padEnd(whereColumns);
    return fit(name, NAME_COLUMNS - 1).padEnd(NAME_COLUMNS) + shown;
  };
  const head = left('CRITICAL PATH', 'SERVICE/THREAD') + numbersText(['START', 'TIME', '% TTFT', '% E2E']);
  const lines = [paint(axis === null ? head : `${head}  ${axis.ruler()}`, Ink.dim)];
  const total = (name: string, lengthNs: bigint, unknownNs: bigint, shares: readonly string[]): void => {
    const unknown = unknownNs === 0n ? '' : ` (${percentText(unknownNs, lengthNs)} ${UNATTRIBUTED})`;
    const numbers = numbersText(['', timeText(lengthNs), ...shares]);
    lines.push(paint(`${name}${unknown}`.padEnd(NAME_COLUMNS + whereColumns) + numbers, Ink.bold));
  };
  e2e.forEach((segment, i) => {
    const lengthNs = segment.endNs - segment.startNs;
    const share = i < ttft.length ? percentText(lengthNs, ttftNs!) : '';
    const numbers = [timeText(segment.startNs - startNs), timeText(lengthNs), share, percentText(lengthNs, e2eNs)];
    const text = left(plain(segment.name), plain(whereOf(segment))) + numbersText(numbers);
    const fill = isHop(segment) ? '╌' : segment.name === UNATTRIBUTED ? '?' : '█';
    const bar = axis === null ? '' : `  ${paint(axis.bar([{ stretch: segment, fill }]).trimEnd(), barInk(segment))}`;
    lines.push(paint(text, inkOf(segment)) + bar);
    if (i === ttft.length - 1) total('TTFT', ttftNs!, ttftUnattributedNs, ['100.0 %', percentText(ttftNs!, e2eNs)]);
  });
  total('E2E', e2eNs, unattributedNs, ['', '100.0 %']);
  return lines;
}

function inkOf(segment: Segment): Ink | null {
  return segment.name === UNATTRIBUTED ? Ink.red : isHop(segment) ? Ink.dim : null;
}

function barInk(segment: Segment): Ink | null {
  return inkOf(segment) ?? inkOfRole(segment.service);
}

/** A service's only thread is often called as it is. */
function whereOf({ service, thread }: Segment): string {
  return thread === null || thread === service ? (service ?? '') : `${service}/${thread}`;
}
