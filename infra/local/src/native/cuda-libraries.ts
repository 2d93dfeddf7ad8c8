import { join } from 'node:path';
import { extractFilesFromWheel } from '../provide/extract-from-wheel.js';
import { type WheelRequest, withWheel } from '../provide/pip-download.js';

/**
 * Parts of CUDA that nothing here can load: NCCL joins several GPUs, nvcc serves XLA, and neither cuRAND nor NVRTC is in the
 * RUNPATH of what would use them. Together 280 MB of download.
 */
const NOT_NEEDED = /^nvidia-(nccl|cuda-nvcc|cuda-nvrtc|curand)-/;

/** The wheels of `tensorflow[and-cuda]`, from the METADATA of the wheel `tensorflow`, as `name==version`. */
export function cudaRequirements(metadata: string): string[] {
  const lines = metadata.matchAll(/^Requires-Dist: (nvidia-[\w-]+) *\(?==([\w.]+)\)? *; extra == ["']and-cuda["']/gm);
  return [...lines].map(([, name, version]) => `${name}==${version}`).filter((wheel) => !NOT_NEEDED.test(wheel));
}

/**
 * Puts CUDA where libtensorflow looks for it. Its RUNPATH has `$ORIGIN/../nvidia/<part>/lib`, and CUDA's own libraries find
 * each other in the same way: so `nvidia` must lie beside the folder of libtensorflow, as both do in Python's site-packages.
 */
export async function addCudaLibraries(
  requirements: readonly string[],
  libraries: string,
  request: Omit<WheelRequest, 'requirement' | 'sizeBytes'>,
): Promise<void> {
  for (const requirement of requirements) {
    await withWheel({ ...request, requirement, sizeBytes: null }, (wheel) =>
      extractFilesFromWheel(wheel, (name) => (LIBRARY.test(name) ? join(libraries, '..', name) : null)),
    );
  }
}

const LIBRARY = /^nvidia\/\w+\/lib\/[^/]+\.so[.\d]*$/;
