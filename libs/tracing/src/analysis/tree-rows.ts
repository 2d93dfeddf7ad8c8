import { AttributeName } from '../names.js';
import type { TraceSpan } from '../trace-span.js';
import { roleOfSlice } from './slice-place.js';
import { type SpanNotes, notesOf } from './span-notes.js';
import { placeOf, roleOfRequest, SpanPlace, type SpanTree } from './span-tree.js';
import { plain } from './terminal-text.js';

/** A line of the tree. */
export interface TreeRow {
  /** The lines that lead to it: `│ ├ `. */
  readonly lead: string;
  /** The lines that go on below it. */
  readonly below: string;
  readonly label: string;
  readonly place: SpanPlace;
  readonly isNested: boolean;
  readonly role: string | null;
  /** More than one where many alike are folded. */
  readonly spans: readonly TraceSpan[];
  readonly notes: SpanNotes;
}

/** Of more nested slices or messages of one name than this the middle ones are folded. */
const MAX_ALIKE = 6;
const FOLDED: ReadonlySet<SpanPlace> = new Set([SpanPlace.slice, SpanPlace.message]);
const SHOWN_BEFORE = 2;
const SHOWN_AFTER = 1;

/** The lines of the tree below some roots, depth first, each parent's children in the order of their start. */
export function treeRows(tree: SpanTree, roots: readonly TraceSpan[]): TreeRow[] {
  const hosts = new Set(tree.spans.map(({ attributes }) => attributes[AttributeName.hostId]).filter(Boolean));
  const rows: TreeRow[] = [];
  const visit = (
    group: readonly TraceSpan[],
    lead: string,
    indent: string,
    role: string | null,
    isNested: boolean,
  ): void => {
    const span = group[0]!;
    const place = placeOf(span);
    const own = roleOfRequest(span) ?? (place === SpanPlace.slice ? (roleOfSlice(span.name) ?? role) : role);
    const groups = group.length > 1 ? [] : folded(tree.childrenOf(span));
    const name = place === SpanPlace.thread ? threadLabel(span, hosts.size > 1) : plain(span.name);
    rows.push({
      lead,
      below: groups.length > 0 ? `${indent}│ ` : `${indent}  `,
      label: group.length > 1 ? `… ${group.length} × ${name}` : name,
      place,
      isNested,
      role: own,
      spans: group,
      notes: notesOf(tree, group),
    });
    groups.forEach((child, i) => {
      const isLast = i === groups.length - 1;
      visit(
        child,
        `${indent}${isLast ? '└ ' : '├ '}`,
        `${indent}${isLast ? '  ' : '│ '}`,
        own,
        place === SpanPlace.slice,
      );
    });
  };
  for (const root of roots) visit([root], '', '', null, false);
  return rows;
}

function folded(children: readonly TraceSpan[]): (readonly TraceSpan[])[] {
  const groups: (readonly TraceSpan[])[] = [];
  for (let i = 0; i < children.length;) {
    let end = i + 1;
    while (end < children.length && isAlike(children[i]!, children[end]!)) end++;
    const run = children.slice(i, end);
    i = end;
    if (run.length <= MAX_ALIKE) groups.push(...run.map((span) => [span]));
    else {
      groups.push(...run.slice(0, SHOWN_BEFORE).map((span) => [span]));
      groups.push(run.slice(SHOWN_BEFORE, -SHOWN_AFTER));
      groups.push(...run.slice(-SHOWN_AFTER).map((span) => [span]));
    }
  }
  return groups;
}

function isAlike(a: TraceSpan, b: TraceSpan): boolean {
  return a.name === b.name && FOLDED.has(placeOf(a)) && a.status.code === b.status.code;
}

/** `engine [TP 0] pid 4711`: the host only where there are several. */
function threadLabel({ name, attributes }: TraceSpan, withHost: boolean): string {
  const short = plain(name.replace(/ \(host:.*\)$/, ''));
  const choice = attributes[AttributeName.choice];
  const host = withHost ? `${attributes[AttributeName.hostId]}:` : 'pid ';
  return `${short} ${host}${attributes[AttributeName.pid]}${choice === undefined ? '' : ` choice ${choice}`}`;
}
