import { relative } from 'node:path';
import { ROLES } from '../cluster/cluster-process.js';
import type { LocalCluster } from '../cluster/local-cluster.js';

/** What a newcomer wants to know once all is up: the address, something to try, what runs and where it logs. */
export async function summarize(cluster: LocalCluster, logDirectory: string, seconds: number): Promise<string> {
  const url = cluster.gatewayUrl;
  const request = {
    model: await servedModel(url),
    stream: true,
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
  };
  const backends = new Set(cluster.processes.map(({ backend }) => backend).filter((backend) => backend !== null));
  const counts = ROLES.map((role) => `${cluster.running(role).length} ${role}`).join(', ');
  return `
Ready after ${seconds.toFixed(1)} s: ${url}

  curl -N ${url}/v1/chat/completions \\
    -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(request)}'

  backend    ${[...backends].join(', ') || 'unknown'}
  broker     ${cluster.natsUrl}
  processes  ${counts}
  logs       ${relative('.', logDirectory) || '.'}

Ctrl-C stops everything.`;
}

async function servedModel(url: string): Promise<string> {
  try {
    const body = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    return body.data[0]!.id;
  } catch {
    return 'default';
  }
}
