import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Path of a file that can be read and has something in it. */
export function readableFile(): z.ZodType<string, string | undefined> {
  return z.string().superRefine((path, context) => {
    const fault = faultOf(path);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: `expected a file to read, but ${fault}` });
  });
}

/** What a file says that one person wrote for another program: without the line's end that editors add. */
export function readSecret(path: string): string {
  return readFileSync(path, 'utf8').trim();
}

/** @returns a reader of what is in the file now, or was when it last could be read: it may be replaced while a service runs */
export function freshSecret(path: string): () => string {
  let last = readSecret(path);
  return () => {
    try {
      last = readSecret(path) || last;
    } catch {
      // A moment without the file is no reason to forget what it said.
    }
    return last;
  };
}

function faultOf(path: string): string | undefined {
  try {
    return readSecret(path) === '' ? 'it is empty' : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
