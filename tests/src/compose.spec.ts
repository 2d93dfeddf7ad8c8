import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '@sliceway/local';

const BUILD_MS = 300_000;
const FILES = [
  ['compose.yaml', 'docker compose up'],
  ['compose.local.yaml', 'without a registry'],
] as const;
const read = (path: string): string => readFileSync(join(REPOSITORY_ROOT, path), 'utf8');
const answers = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

const compose = [['docker', 'compose'], ['docker-compose']].find(([program, ...args]) =>
  answers(program!, ...args, 'version'),
);
const bases = [
  ['node:24-slim', []],
  ['sliceway-local/node:24', ['--local']],
] as const;
const base = bases.find(([image]) => answers('docker', 'image', 'inspect', image));

describe('the tag of our images, and of those beside them', () => {
  const files = ['compose.yaml', 'infra/docker/Dockerfile', 'infra/k8s/components/versions/kustomization.yaml'];
  files.push('infra/k8s/overlays/gpu/kustomization.yaml');

  it.each(files)('%s has the version of package.json', (path) => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const ours =
      /(?:sliceway-\w+(?:, newTag: |:\$\{SLICEWAY_VERSION:-)|VERSION(?:: \$\{SLICEWAY_VERSION:-|=))([\d.]+)/g;
    const found = [...read(path).matchAll(ours)].map(([, tag]) => tag);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set([version]));
  });

  it.each(['nats', 'otel/opentelemetry-collector-contrib', 'jaegertracing/all-in-one'])(
    '%s is the same in Compose and in Kubernetes',
    (image) => {
      const [, ofCompose] = new RegExp(`image: ${image}:(\\S+)`).exec(read(files[0]!))!;
      expect(read(files[2]!)).toContain(`{ name: ${image}, newTag: ${ofCompose} }`);
    },
  );
});

/** What Compose makes of files. */
function configOf(...files: readonly string[]): string {
  const [program, ...args] = compose!;
  return execFileSync(program!, [...args, ...files.flatMap((each) => ['--file', each]), 'config'], {
    cwd: REPOSITORY_ROOT,
    encoding: 'utf8',
  });
}

(compose ? it : it.skip).each(FILES)('Compose reads %s: %s', (file) => {
  const files = file === 'compose.yaml' ? [file] : ['compose.yaml', file];
  const config = configOf(...files);
  expect(config).toContain('SLICEWAY_MODEL: /models/current');
  // Each image can be told what it is built of.
  expect(config.match(/ REVISION: /g)).toHaveLength(config.match(/ APP: /g)!.length);
});

(compose ? it : it.skip)('Compose reads the override of the README: keys in files', () => {
  const [, indented] = /^ *```yaml\n(.*?)^ *```$/ms.exec(read('infra/docker/README.md'))!;
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-compose-'));
  try {
    const file = join(folder, 'compose.override.yaml');
    writeFileSync(file, indented!.replaceAll(/^ {2}/gm, ''));
    const config = configOf('compose.yaml', file);
    expect(config).toContain('SLICEWAY_API_KEYS_FILE: /run/secrets/api-keys');
    expect(config).toContain('file: /etc/sliceway/admin-token');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

(base ? it : it.skip)(
  'Docker builds the image of the gateway, and it says what it lacks',
  () => {
    const [, args] = base!;
    const images = join(REPOSITORY_ROOT, 'infra', 'docker', 'images.mjs');
    const env = { ...process.env, SLICEWAY_VERSION: 'test', IMAGE_LOAD: '' };
    const built = execFileSync(process.execPath, [images, '--quiet', '--only', 'gateway', ...args], {
      env,
      encoding: 'utf8',
    });
    expect(built).toContain('sliceway-gateway:test');
    const command = ['run', '--rm', '--read-only', '--env', 'SLICEWAY_TRACE_LEVEL=9', 'sliceway-gateway:test'];
    const { stdout, stderr, status } = spawnSync('docker', command, { encoding: 'utf8' });
    expect(stdout + stderr).toContain('SLICEWAY_TRACE_LEVEL is \\"9\\"');
    expect(status).toBe(1);
  },
  BUILD_MS,
);
