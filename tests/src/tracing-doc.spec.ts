import { ANY_INSTANCE, MESSAGE_ROUTES, subjectTemplate } from '@sliceway/protocol';
import {
  AttributeName,
  ContextHeader,
  EventName,
  LinkKind,
  SGLANG_NAMES,
  SLICE_LEVEL,
  SLICE_PARENT,
  SLICE_ROLE,
  SliceName,
  TraceLevel,
  TraceModule,
} from '@sliceway/tracing';
import { codeIn, DocPage } from './doc-page.fixture.js';

const page = new DocPage('tracing.md');
const bare = (cell: string | undefined): string => cell!.replaceAll('`', '');

it('has every slice with its service, level and what it is nested in', () => {
  const documented = page
    .tableOf('Slices')
    .map(([service, slice, level, outer]) => [service, slice, level, outer].map(bare).join(' '));
  const names = Object.values(SliceName);
  expect(documented).toEqual(
    names.map((name) => [SLICE_ROLE[name], name, SLICE_LEVEL[name], SLICE_PARENT[name] ?? ''].join(' ')),
  );
});

it('has every message that is no frame and is about one request', () => {
  const ofCluster = new Set<string>(['heartbeat', 'trace_level']);
  const expected = MESSAGE_ROUTES.filter(([name, { kind }]) => kind !== 'frame' && !ofCluster.has(name)).flatMap(
    ([, route]) => route.receivers.map((receiver) => subjectTemplate(route.subject(receiver, ANY_INSTANCE))),
  );
  const documented = page.tableOf('Messages').map(([message]) => bare(message));
  expect([...documented].sort()).toEqual(expected.sort());
});

it("has SGLang's names", () => {
  const documented = page.tableOf("SGLang's names").map(([own, theirs]) => [bare(own), bare(theirs)]);
  expect(Object.fromEntries(documented)).toEqual(SGLANG_NAMES);
});

it('has every event and every kind of link', () => {
  expect(page.tableOf('Events').map(([name]) => bare(name))).toEqual(Object.values(EventName));
  expect(page.tableOf('Links').map(([kind]) => bare(kind))).toEqual(Object.values(LinkKind));
});

it('puts events on slices that there are', () => {
  const slices = page.tableOf('Events').flatMap(([, on]) => codeIn(on!));
  expect(slices.length).toBeGreaterThan(4);
  for (const slice of slices) expect(Object.values(SliceName)).toContain(slice);
});

it('has every attribute, and slices and events have no others', () => {
  const all = page.tableOf('Attributes').map(([name]) => bare(name));
  expect([...all].sort()).toEqual(Object.values(AttributeName).sort());
  const used = [
    ...page.tableOf('Slices').map((row) => row[4]!),
    ...page.tableOf('Events').map((row) => row[2]!),
  ].flatMap(codeIn);
  for (const name of used) expect(all).toContain(name);
});

it('has the levels, the modules and the headers', () => {
  const levels = page.tableOf('Levels').map(([level, name]) => [bare(name), Number(level)]);
  expect(Object.fromEntries(levels)).toEqual(TraceLevel);
  for (const module of Object.values(TraceModule)) expect(page.section('Levels')).toContain(`\`${module}\``);
  expect(page.tableOf('Propagation').map(([header]) => bare(header))).toEqual(Object.values(ContextHeader));
});
