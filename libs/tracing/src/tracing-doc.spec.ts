import { readFileSync } from 'node:fs';
import { SLICE_PARENT, SLICE_ROLE } from './analysis/slice-place.js';
import { ContextHeader } from './context-carrier.js';
import { AttributeName, EventName, LinkKind, SLICE_LEVEL, SliceName } from './names.js';
import { TraceLevel, TraceModule } from './trace-level.js';

const page = readFileSync(new URL('../../../docs/tracing.md', import.meta.url), 'utf8');

function section(heading: string): string {
  const [, body] = page.split(`\n## ${heading}\n`);
  if (body === undefined) throw new Error(`docs/tracing.md has no section "${heading}"`);
  return body.split('\n## ')[0]!;
}

/** Cells of the section's first table, without its head and its code marks. */
function tableOf(heading: string): string[][] {
  const rows = section(heading)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.slice(2);
}

const bare = (cell: string | undefined): string => cell!.replaceAll('`', '');
const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

it('has every slice with its service, level and what it is nested in', () => {
  const documented = tableOf('Slices').map(([service, slice, level, outer]) =>
    [service, slice, level, outer].map(bare).join(' '),
  );
  const names = Object.values(SliceName);
  expect(documented).toEqual(
    names.map((name) => [SLICE_ROLE[name], name, SLICE_LEVEL[name], SLICE_PARENT[name] ?? ''].join(' ')),
  );
});

it('has every event and every kind of link', () => {
  expect(tableOf('Events').map(([name]) => bare(name))).toEqual(Object.values(EventName));
  expect(tableOf('Links').map(([kind]) => bare(kind))).toEqual(Object.values(LinkKind));
});

it('puts events on slices that there are', () => {
  const slices = tableOf('Events').flatMap(([, on]) => codeIn(on!));
  expect(slices.length).toBeGreaterThan(4);
  for (const slice of slices) expect(Object.values(SliceName)).toContain(slice);
});

it('has every attribute, and slices and events have no others', () => {
  const all = tableOf('Attributes').map(([name]) => bare(name));
  expect([...all].sort()).toEqual(Object.values(AttributeName).sort());
  const used = [...tableOf('Slices').map((row) => row[4]!), ...tableOf('Events').map((row) => row[2]!)].flatMap(codeIn);
  for (const name of used) expect(all).toContain(name);
});

it('has the levels, the modules and the headers', () => {
  const levels = tableOf('Levels').map(([level, name]) => [bare(name), Number(level)]);
  expect(Object.fromEntries(levels)).toEqual(TraceLevel);
  for (const module of Object.values(TraceModule)) expect(section('Levels')).toContain(`\`${module}\``);
  expect(tableOf('Propagation').map(([header]) => bare(header))).toEqual(Object.values(ContextHeader));
});
