// Runs the tests on each Node version of test/nodes, all with the one native build.
//
//   node scripts/matrix.mjs [--only=20,26] [--others] [part of a test's path...]
//
//   --others      not on the very version that runs this, which `npm test` has tested
import { execFileSync } from 'node:child_process';
import { fail, inRoot, readJson } from './lib/project.mjs';
import { findTests, runTests, summary } from './lib/tests.mjs';

const args = process.argv.slice(2);
const only = args
  .find((arg) => arg.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const others = args.includes('--others');
const filters = args.filter((arg) => !arg.startsWith('--'));

const nodes = /** @type {{ dependencies: Record<string, string> }} */ (
  readJson(inRoot('test/nodes/package.json'))
);
const wanted = Object.keys(nodes.dependencies)
  .map((name) => name.replace('node-', ''))
  .filter((version) => only === undefined || only.includes(version));
const files = findTests(filters);
if (wanted.length === 0 || files.length === 0) fail('No test found.');

/** @returns {string} */
const versionOf = (/** @type {string} */ node) =>
  execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const version of wanted) {
  const node = inRoot(`test/nodes/node_modules/node-${version}/bin/node`);
  const exact = versionOf(node);
  if (others && exact === process.version) {
    lines.push(`Node ${exact}: tested by npm test`);
    continue;
  }
  console.log(`\nNode ${version}`);
  const counts = await runTests(node, files, Number(process.env.NODESPAWNER_TEST_JOBS ?? 2));
  lines.push(`Node ${exact}: ${summary(counts)}`);
  for (const key of /** @type {const} */ (['passed', 'failed', 'skipped'])) total[key] += counts[key];
}
console.log(`\n${lines.join('\n')}\n`);
console.log(summary(total));
process.exitCode = total.failed === 0 ? 0 : 1;
