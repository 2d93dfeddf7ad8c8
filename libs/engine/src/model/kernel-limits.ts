import { ModelFileError, type ModelConfig } from '@sliceway/model';

/** The SIMD kernels work on 16 floats of a head and 4 of a row at a time. @throws ModelFileError */
export function checkKernelLimits(config: ModelConfig, path: string): void {
  const fault = findFault(config);
  if (fault) throw new ModelFileError('unsupported_architecture', `${path}: ${fault}`);
}

function findFault({ headDim, hidden, ffn, heads, kvHeads }: ModelConfig): string | undefined {
  if (headDim % 16 !== 0) return `its heads have ${headDim} dimensions; the engine takes multiples of 16`;
  if (hidden % 4 !== 0 || ffn % 4 !== 0) return `its widths are ${hidden} and ${ffn}; the engine takes multiples of 4`;
  if (heads % kvHeads !== 0) return `${heads} heads cannot share ${kvHeads} KV heads`;
  return undefined;
}
