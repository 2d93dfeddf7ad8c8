import type { Backend, BackendName } from './backend.js';
import { NativeBackendError } from './native-module.js';

/**
 * Starts the wanted backend on this thread; `auto` takes the best that is installed.
 * @param nativeDirectory where `npm run native` installed to; its default when left out
 * @throws NativeBackendError for a wanted one that is not installed or does not load
 */
export async function selectBackend(wanted: BackendName, nativeDirectory?: string): Promise<Backend> {
  switch (wanted) {
    case 'wasm':
      return (await import('./wasm-backend.js')).startWasmBackend();
    case 'gpu':
    case 'node':
      return (await import('./node-backend.js')).startNodeBackend(wanted, nativeDirectory);
    case 'auto':
      return selectBest(nativeDirectory);
  }
}

async function selectBest(nativeDirectory?: string): Promise<Backend> {
  const faults: string[] = [];
  for (const name of ['gpu', 'node'] as const) {
    try {
      return withNotice(await selectBackend(name, nativeDirectory), faults);
    } catch (error) {
      if (!(error instanceof NativeBackendError)) throw error;
      // Nobody asked for one that is not there; one that is there and broken is worth a word.
      if (error.code !== 'not_installed') faults.push(error.message);
    }
  }
  return withNotice(await selectBackend('wasm'), faults);
}

function withNotice(backend: Backend, faults: readonly string[]): Backend {
  if (faults.length === 0) return backend;
  const notice = [...faults, ...(backend.info.notice === null ? [] : [backend.info.notice])].join('; ');
  return { ...backend, info: { ...backend.info, notice } };
}
