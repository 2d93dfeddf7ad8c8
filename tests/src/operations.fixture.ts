import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { REPOSITORY_ROOT, ROLES, type Role } from '@sliceway/local';
import type { ClusterFixture } from './cluster.fixture.js';

/** Cells of a row, as the page has them. */
export type Row = readonly string[];

interface Variable {
  readonly name: string;
  readonly defaultValue: string | undefined;
  readonly required: boolean;
  readonly description: string;
}

/** Nobody imports an app: its schema is read as what runs, from its build. */
function built(...path: string[]): Promise<Record<string, unknown>> {
  return import(pathToFileURL(join(REPOSITORY_ROOT, ...path)).href) as Promise<Record<string, unknown>>;
}

/** Variable, default, roles and description of all that the services' schemas have. */
export async function variableRows(): Promise<Row[]> {
  const { describeConfig } = await built('libs', 'service', 'dist', 'index.js');
  const roles = new Map<string, Role[]>();
  for (const role of ROLES) {
    const module = await built('apps', role, 'dist', `${role}.config.js`);
    const variables = (describeConfig as (schema: unknown) => Variable[])(module[`${role}Schema`]);
    for (const { name, defaultValue, required, description } of variables) {
      const preset = required ? 'required' : defaultValue === undefined ? '' : `\`${defaultValue}\``;
      add(roles, JSON.stringify([`\`${name}\``, preset, description]), role);
    }
  }
  return [...roles].map(([row, of]) => {
    const [name, preset, description] = JSON.parse(row) as [string, string, string];
    return [name, preset, rolesOf(of), description];
  });
}

/** Metric, type, roles and help of all that running services have of their own. */
export async function metricRows(fixture: ClusterFixture): Promise<Row[]> {
  const roles = new Map<string, Role[]>();
  for (const role of ROLES) {
    const { url } = fixture.cluster.running(role)[0]!;
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, name, help, type] of text.matchAll(/^# HELP (sliceway_\w+) (.*)\n# TYPE \1 (\w+)$/gm)) {
      add(roles, JSON.stringify([`\`${name}\``, type, help]), role);
    }
  }
  return [...roles].map(([row, of]) => {
    const [name, type, help] = JSON.parse(row) as [string, string, string];
    return [name, type, rolesOf(of), help.replace(/\.$/, '')];
  });
}

function add(roles: Map<string, Role[]>, row: string, role: Role): void {
  roles.set(row, [...(roles.get(row) ?? []), role]);
}

function rolesOf(roles: readonly Role[]): string {
  return roles.length === ROLES.length ? 'all' : roles.join(', ');
}
