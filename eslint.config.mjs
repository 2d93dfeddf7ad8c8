import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Who may import whom (docs/architecture.md draws it). A package's scope is its tag in package.json. */
const WALLS = {
  protocol: [],
  model: [],
  tracing: [],
  engine: ['model'],
  service: ['protocol', 'tracing'],
  local: ['model', 'tracing'],
  testing: ['model', 'tracing'],
  app: ['engine', 'model', 'protocol', 'service', 'tracing'],
  system: ['engine', 'local', 'model', 'protocol', 'testing', 'tracing'],
};
/** What tests may import beside that: real parts around what they test. */
const FOR_TESTS = ['local', 'testing'];

/** The walls with doors added. */
const boundaries = (added = []) => [
  'error',
  {
    allow: [],
    allowCircularSelfDependency: true,
    depConstraints: Object.entries(WALLS).map(([scope, allowed]) => ({
      sourceTag: `scope:${scope}`,
      onlyDependOnLibsWithTags: [scope, ...allowed, ...added].map((name) => `scope:${name}`),
    })),
  },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/.nx', '**/.cache', 'libs/engine/src/kernels/assembly'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    // Nest injects by the metadata of decorated classes: their imports are values, though only types are written.
    languageOptions: { parserOptions: { emitDecoratorMetadata: true, experimentalDecorators: true } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
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
    files: ['**/test/**', '**/bench/**', '**/*.spec.ts', '**/*.fixture.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(FOR_TESTS) },
  },
  {
    files: [
      '**/*.config.ts',
      '**/*.config.mjs',
      'infra/local/**',
      'benchmarks/**',
      'tests/**',
      '**/*.spec.ts',
      '**/test/**',
      '**/bench/**',
    ],
    rules: { 'no-restricted-properties': 'off', 'no-console': 'off' },
  },
  { files: ['**/*.config.mjs'], rules: { 'no-restricted-syntax': 'off' } },
  prettier,
);
