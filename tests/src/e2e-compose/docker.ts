import { spawnSync } from 'node:child_process';
import { docker } from '../run-command.fixture.js';

/** What `docker inspect` says of containers, as far as it is looked at here. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Health?: { readonly Status: string } };
  readonly Config: { readonly User: string; readonly Image: string; readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
  };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string }[] | null>>;
  };
}

export async function inspect(ids: readonly string[]): Promise<Container[]> {
  return ids.length === 0 ? [] : (JSON.parse(await docker('inspect', ...ids)) as Container[]);
}

/** The command line of Compose, v2 or 1.29; null where there is neither, or no Docker. */
export function composeCommand(): readonly string[] | null {
  const answers = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;
  if (!answers('docker', 'info')) return null;
  if (answers('docker', 'compose', 'version')) return ['docker', 'compose'];
  return answers('docker-compose', 'version') ? ['docker-compose'] : null;
}
