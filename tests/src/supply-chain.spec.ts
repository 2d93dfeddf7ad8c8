import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';

const REGISTRY = 'https://registry.npmjs.org/';

interface Locked {
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync(join(REPOSITORY_ROOT, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const installed = Object.entries(lock.packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);

it('the lock file has a checksum of every package, and no other source than the registry', () => {
  expect(installed.length).toBeGreaterThan(100);
  const loose = installed.filter(
    ([, { integrity, resolved = REGISTRY }]) => !integrity?.startsWith('sha512-') || !resolved.startsWith(REGISTRY),
  );
  expect(loose.map(([path]) => path)).toEqual([]);
});

it('services run on no package whose install script they need', () => {
  const scripted = installed.filter(([, { dev, hasInstallScript }]) => hasInstallScript === true && dev !== true);
  // It compares the version range that its dependent asks for with its own, and warns.
  expect(scripted.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
});
