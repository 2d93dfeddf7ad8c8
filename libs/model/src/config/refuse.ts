import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

/** A model that no engine here computes. @param where the file, and the place in it */
export function unsupported(where: string, message: string): ModelFileError {
  return new ModelFileError(ModelFileErrorCode.UNSUPPORTED_ARCHITECTURE, `${where}: ${message}`);
}

/** A model that contradicts itself. @param where the file, and the place in it */
export function bad(where: string, message: string): ModelFileError {
  return new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${where}: ${message}`);
}
