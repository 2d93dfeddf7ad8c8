import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY_ROOT } from '@sliceway/local';
import ts from 'typescript';
import type { GrafanaDashboard } from './grafana-dashboard.fixture.js';

const FILE = join(REPOSITORY_ROOT, 'infra', 'grafana', 'dashboards', 'sliceway.json');

export interface Expression {
  /** Title of its panel. */
  readonly panel: string;
  readonly expr: string;
  readonly exemplar: boolean;
}

export function readDashboard(): GrafanaDashboard {
  return JSON.parse(readFileSync(FILE, 'utf8')) as GrafanaDashboard;
}

/** Of every panel, with Grafana's variables filled in as for all processes and a minute. */
export function expressionsOf({ panels }: GrafanaDashboard): Expression[] {
  return panels.flatMap((panel) =>
    panel.type === 'row'
      ? []
      : (panel as { targets: { expr: string; exemplar?: boolean }[] }).targets.map(({ expr, exemplar = false }) => ({
          panel: String(panel.title),
          expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
          exemplar,
        })),
  );
}

/** What TypeScript has against a dashboard as a literal of Grafana's type: unknown fields, wrong values, what is missing. */
export function faultsOf(dashboard: object): string[] {
  const path = fileURLToPath(new URL('./checked-dashboard.ts', import.meta.url));
  const source =
    `import type { GrafanaDashboard } from './grafana-dashboard.fixture.js';\n` +
    `export const dashboard: GrafanaDashboard = ${JSON.stringify(dashboard)};\n`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.getSourceFile = (name, version, ...rest) =>
    name === path ? ts.createSourceFile(name, source, version) : getSourceFile.call(host, name, version, ...rest);
  const program = ts.createProgram([path], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
