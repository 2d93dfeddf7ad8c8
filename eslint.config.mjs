import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Who may import whom (docs/architecture.md draws it). A package's scope is its tag in package.json. */
const walls = {
  protocol: [],
  model: [],
  tracing: [],
  engine: ['model'],
  service: ['protocol', 'tracing'],
  local: ['model'],
  app: ['engine', 'model', 'protocol', 'service', 'tracing', 'testing', 'local'],
  testing: ['engine', 'local', 'model', 'protocol', 'tracing'],
  bench: ['engine', 'local', 'model', 'protocol', 'service', 'testing', 'tracing'],
};

const depConstraints = Object.entries(walls).map(([scope, allowed]) => ({
  sourceTag: `scope:${scope}`,
  onlyDependOnLibsWithTags: [scope, ...allowed].map((name) => `scope:${name}`),
}));

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/.nx', '**/.cache', 'libs/engine/src/kernels/assembly'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { allow: [], depConstraints, enforceBuildableLibDependency: true, allowCircularSelfDependency: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Read the environment once, through the schema in *.config.ts.',
        },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a const object.' },
        { selector: 'ExportAllDeclaration', message: 'List exports by name.' },
        { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.config.ts', '**/*.config.mjs', 'infra/local/**', 'benchmarks/**', '**/*.spec.ts', '**/test/**'],
    rules: { 'no-restricted-properties': 'off', 'no-console': 'off' },
  },
  { files: ['**/*.config.mjs'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['libs/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    ignores: ['libs/testing/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@sliceway/testing', '@sliceway/local'], message: 'Only tests use it.' }] },
      ],
    },
  },
  prettier,
);
