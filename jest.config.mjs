/** Jest runs on tsc's ESM output: no transform, Node's own module loader. */
export default {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/infra', '<rootDir>/benchmarks', '<rootDir>/tests'],
  testMatch: ['**/dist/**/*.spec.js'],
  testTimeout: 60_000,
};
