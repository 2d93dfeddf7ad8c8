import { relative } from 'node:path';
import { ROLES } from '../cluster/cluster-process.js';
import type { UpCluster } from './serve.js';

/** What a newcomer wants to know once all is up: the address, something to try, what runs, where it logs and traces. */
export async function summarize(up: UpCluster, otlpEndpoint: string | null): Promise<string> {
  const { cluster, logDirectory, traceDirectory, startSeconds } = up;
  const url = cluster.gatewayUrl;
  const request = {
    model: await servedModel(url),
    stream: true,
    // A model as small as this one rambles at the default of 1.
    temperature: 0,
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
  };
  const backends = new Set(cluster.processes.map(({ backend }) => backend).filter((backend) => backend !== null));
  const counts = ROLES.map((role) => `${cluster.running(role).length} ${role}`).join(', ');
  return `
Ready after ${startSeconds.toFixed(1)} s: ${url}

  curl -N ${url}/v1/chat/completions \\
    -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(request)}'

  backend    ${[...backends].join(', ') || 'unknown'}
  broker     ${cluster.natsUrl}
  processes  ${counts}
  logs       ${relative('.', logDirectory) || '.'}
  traces     ${otlpEndpoint ?? `npm run trace -- ${relative('.', traceDirectory) || '.'} [x-request-id]`}

Ctrl-C stops everything.`;
}

/** Name of the model that a gateway serves. */
export async function servedModel(url: string): Promise<string> {
  try {
    const body = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    return body.data[0]!.id;
  } catch {
    return 'default';
  }
}
