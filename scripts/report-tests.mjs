/**
 * The end of .ci/run: `node scripts/report-tests.mjs RESULTS ALLOWED`, with Jest's --json output and the file of tests that
 * may be skipped. Lists the skipped ones, prints the totals as the last line, and fails for a skip that is not allowed, for a
 * test that failed, and when no test ran.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { ROOT } from './shell.mjs';

const [resultsFile, allowedFile] = process.argv.slice(2);
const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
const allowed = new Set(
  readFileSync(allowedFile, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#')),
);

const skipped = results.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'pending' || status === 'todo' || status === 'disabled')
    .map(({ fullName }) => `${relative(ROOT, name).replace('/dist/', '/src/').replace(/\.js$/, '.ts')}: ${fullName}`),
);
const forbidden = skipped.filter((name) => !allowed.has(name));
const { numPassedTests, numFailedTests, numTotalTestSuites, numFailedTestSuites, numRuntimeErrorTestSuites } = results;

const lines = [
  `\nSkipped tests: ${skipped.length === 0 ? 'none' : skipped.length}`,
  ...skipped.map((name) => `  ${allowed.has(name) ? 'allowed' : 'NOT ALLOWED'}  ${name}`),
  ...(forbidden.length > 0 ? [`Make them run, or name them in ${allowedFile} with the reason.`] : []),
  `Test files: ${numTotalTestSuites - numFailedTestSuites} of ${numTotalTestSuites} passed`,
  `Tests: ${numPassedTests} passed, ${numFailedTests} failed, ${skipped.length} skipped`,
];
process.stdout.write(`${lines.join('\n')}\n`);
const isGood = results.success && numPassedTests > 0 && numRuntimeErrorTestSuites === 0 && forbidden.length === 0;
process.exitCode = isGood ? 0 : 1;
