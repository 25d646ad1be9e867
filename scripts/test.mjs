// Runs the tests on the installed Node.
//
//   node scripts/test.mjs [part of a test's path...]     NODESPAWNER_TEST_JOBS: unit tests side by side, 2 if not set
import { fail } from './lib/project.mjs';
import { findTests, runTests, summary } from './lib/tests.mjs';

const files = findTests(process.argv.slice(2));
if (files.length === 0) fail('No test found.');
const counts = await runTests(process.execPath, files, Number(process.env.NODESPAWNER_TEST_JOBS ?? 2));
console.log(summary(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
