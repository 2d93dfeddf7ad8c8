import { WORKER_ROLES } from '@sliceway/protocol';
import type { Router } from '../routing/router.js';
import type { WorkerDirectory } from '../routing/worker-directory.js';

/** Why no request can be served now; undefined when one can. */
export function unreadyReason(directory: WorkerDirectory, router: Router): string | undefined {
  const missing = WORKER_ROLES.filter((role) => directory.ready(role).length === 0);
  if (missing.length > 0) return `no ${missing.join(', no ')} worker is ready`;
  return router.models().length === 0 ? 'no tokenizer, prefill and decode worker fit together' : undefined;
}
