import type { HubDownloadOptions } from '@sliceway/model';
import type { Reporter } from '../reporter.js';

export interface HubProgress {
  readonly callbacks: Required<Pick<HubDownloadOptions, 'onProgress' | 'onNotice'>>;
  finish(): void;
  clear(): void;
}

/** Shows a download from the hub; the bar appears with the first bytes. */
export function hubProgress(repo: string, reporter: Reporter): HubProgress {
  let bar: ReturnType<Reporter['progress']> | null = null;
  return {
    callbacks: {
      onProgress: ({ receivedBytes, totalBytes }) => {
        bar ??= reporter.progress(`Downloading ${repo} from the hub`);
        bar.update(receivedBytes, totalBytes);
      },
      onNotice: (message) => {
        bar?.clear();
        reporter.note(message);
      },
    },
    finish: () => bar?.finish(),
    clear: () => bar?.clear(),
  };
}
