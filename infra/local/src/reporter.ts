import { Progress, type ProgressStream } from './progress.js';

/** Tells a person what is going on. */
export interface Reporter {
  /** One line. */
  note(message: string): void;
  /** Something that takes a while and counts bytes. */
  progress(label: string): Pick<Progress, 'update' | 'finish' | 'clear'>;
}

/** Writes to a terminal, or plain lines to anything else. */
export function reporterTo(stream: ProgressStream = process.stderr): Reporter {
  return {
    note: (message) => void stream.write(`${message}\n`),
    progress: (label) => new Progress(label, { stream }),
  };
}

export const SILENT_REPORTER: Reporter = {
  note: () => {},
  progress: () => ({ update: () => {}, finish: () => {}, clear: () => {} }),
};
