import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * What a user's module exports under `default` or a name: an object with the method, a class of such, or a function that makes
 * one.
 *
 * @param path a file, from the working directory, or a package
 * @throws Error if the module has nothing of that kind
 */
export async function loadUserObject<T>(path: string, method: keyof T & string): Promise<T> {
  const module = (await import(locate(path))) as Record<string, unknown>;
  const { default: main, ...named } = module;
  // CommonJS has its exports in `default`.
  const exported = [
    main,
    ...Object.values(named),
    ...(typeof main === 'object' && main !== null ? Object.values(main) : []),
  ];
  for (const candidate of exported) {
    const made = await instanceOf(candidate, method, candidate === main);
    if (made !== undefined) return made as T;
  }
  throw new Error(`${path} exports nothing with a method "${method}"`);
}

function locate(path: string): string {
  if (path.startsWith('file:')) return path;
  if (isAbsolute(path) || path.startsWith('.')) return pathToFileURL(resolve(path)).href;
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(path)).href;
  } catch {
    // "processor.mjs" without "./".
    return pathToFileURL(resolve(path)).href;
  }
}

async function instanceOf(candidate: unknown, method: string, isMeant: boolean): Promise<unknown> {
  if (has(candidate, method)) return candidate;
  if (typeof candidate !== 'function') return undefined;
  if (has(candidate.prototype, method)) return new (candidate as new () => unknown)();
  try {
    const isClass = /^class\b/.test(Function.prototype.toString.call(candidate));
    const made: unknown = isClass ? new (candidate as new () => unknown)() : await (candidate as () => unknown)();
    return has(made, method) ? made : undefined;
  } catch (error) {
    // A named export may be anything; the default one is meant.
    if (isMeant) throw error;
    return undefined;
  }
}

function has(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
