import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';
import { tinyModel } from '@sliceway/testing';
import { SliceName } from '@sliceway/tracing';
import { ClusterFixture } from './cluster.fixture.js';
import { codeIn, DocPage } from './doc-page.fixture.js';
import { metricRows, variableRows } from './operations.fixture.js';

const page = new DocPage('operations.md');
const read = (...path: string[]): string => readFileSync(join(REPOSITORY_ROOT, ...path), 'utf8');
const DOCS = readdirSync(join(REPOSITORY_ROOT, 'docs')).filter((name) => name.endsWith('.md'));
const TESTS = ['tests/src', 'tests/src/tracing', 'libs/service/test', 'libs/tracing/src/export'];

/** Names of variables in code marks. */
const variablesIn = (text: string): string[] =>
  codeIn(text).filter((code) => /^(SLICEWAY|NATS)_[A-Z_]*[A-Z]$/.test(code));

it("has every variable of the services' schemas, as they have it", async () => {
  const rows = await variableRows();
  expect(rows.length).toBeGreaterThan(40);
  for (const [name, , , description] of rows) expect([name, description]).not.toEqual([name, '']);
  expect(page.tableOf('Variables')).toEqual(rows);
});

it('lets no page speak of a variable that there is not', () => {
  const known = new Set(
    [
      page.section('Variables'),
      page.section('Variables of other programs'),
      new DocPage('tracing.md').section('Environment'),
    ].flatMap(variablesIn),
  );
  for (const path of [['README.md'], ...DOCS.map((name) => ['docs', name])]) {
    expect([path, variablesIn(read(...path)).filter((name) => !known.has(name))]).toEqual([path, []]);
  }
});

it('says what each alert means, and what to do', () => {
  const rules = read('infra', 'prometheus', 'alerts.yml');
  const alerts = [...rules.matchAll(/- alert: (\w+)\n(?:(?!- alert).*\n)*? +labels: \{ severity: (\w+) \}/g)];
  expect(alerts.length).toBe(rules.match(/- alert:/g)!.length);
  const documented = page.tableOf('Alerts');
  expect(documented.map(([name, severity]) => [codeIn(name!)[0], severity]).sort()).toEqual(
    alerts.map(([, name, severity]) => [name, severity]).sort(),
  );
  for (const row of documented) expect(row.slice(2).filter((cell) => cell.length < 20)).toEqual([]);
  const tested = read('infra', 'prometheus', 'alerts.test.yml');
  for (const [, name] of alerts) expect(tested).toContain(`"${name}"`);
});

it('explains slices that there are', () => {
  const slices = page.tableOf('A slow request, from page to slice').flatMap(([cell]) => codeIn(cell!));
  expect(slices.length).toBeGreaterThan(10);
  for (const slice of slices) expect(Object.values(SliceName)).toContain(slice);
});

it('has what dies from tests that there are', () => {
  const files = page.tableOf('When something dies').flatMap((row) => codeIn(row[3]!));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    expect([file, TESTS.some((folder) => existsSync(join(REPOSITORY_ROOT, folder, file)))]).toEqual([file, true]);
  }
});

describe('the metrics', () => {
  let folder: string;
  let fixture: ClusterFixture;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sliceway-metrics-'));
    fixture = await ClusterFixture.start({ modelPath: tinyModel(folder), kvMemoryMb: 1 });
  });

  afterAll(async () => {
    await fixture?.stop();
    rmSync(folder, { recursive: true });
  });

  it('are those of running services', async () => {
    expect(page.tableOf('Metrics')).toEqual(await metricRows(fixture));
  });

  it('are the only ones that the pages speak of', () => {
    const known = page.tableOf('Metrics').map(([name]) => codeIn(name!)[0]!);
    for (const name of DOCS) {
      const spoken = [...read('docs', name).matchAll(/\bsliceway_[a-z_]+/g)].map(([metric]) => metric);
      expect([name, spoken.filter((metric) => !known.includes(metric))]).toEqual([name, []]);
    }
  });
});
