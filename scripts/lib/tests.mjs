// Runs compiled test files, each in a process of its own, and counts what their TAP output says.
//
// tap's own runner isn't used: it loads source-map, mocking and coverage hooks into each test process and, through
// NODE_OPTIONS, into all that the test starts. Tests that compare a child with a fresh process need a plain one.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Parser } from 'tap-parser';
import { inRoot } from './project.mjs';

const kinds = ['unit', 'native', 'integration', 'security'];
const testsFolder = inRoot('dist/test');
const fileTimeoutMs = Number(process.env.NODESPAWNER_TEST_TIMEOUT_MS ?? 300_000);

/** In CI, only what doesn't apply to this Node version or platform may be skipped. */
const allowedSkip = 'not applicable: ';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** The test files whose path contains one of the filters; all without any. @returns {string[]} */
export function findTests(/** @type {readonly string[]} */ filters) {
  return kinds
    .map((kind) => path.join(testsFolder, kind))
    .filter((folder) => fs.existsSync(folder))
    .flatMap((folder) =>
      fs.readdirSync(folder, { recursive: true }).map((name) => path.join(folder, String(name))),
    )
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort((a, b) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || (a < b ? -1 : 1));
}

function kindOf(/** @type {string} */ file) {
  return path.relative(testsFolder, file).split('/')[0] ?? '';
}

/** What one test file did. `problems` says each failure. */
class FileResult {
  passed = 0;
  skipped = 0;
  /** @type {string[]} */
  problems = [];

  /** Counts the lines of the file's top level: each a `test()`, or an assertion outside of any. */
  watch(/** @type {Parser} */ parser, isTop = true) {
    parser.on('assert', (/** @type {import('tap-parser').Result} */ result) => {
      const reason = result.skip || result.todo;
      if (reason && process.env.CI === 'true' && !String(reason).startsWith(allowedSkip)) {
        this.problems.push(`skipped in CI: ${result.fullname || result.name}: ${String(reason)}`);
      } else if (isTop && !result.ok && !reason) this.problems.push(result.fullname || result.name);
      else if (isTop && reason) this.skipped++;
      else if (isTop) this.passed++;
    });
    parser.on('child', (/** @type {Parser} */ child) => {
      this.watch(child, false);
    });
  }
}

/** Ends what a test file left running in its process group. @returns {Promise<boolean>} whether there was anything */
async function killLeftovers(/** @type {number} */ group) {
  const deadline = Date.now() + 2_000;
  for (;;) {
    try {
      process.kill(-group, 0);
    } catch {
      return false;
    }
    if (Date.now() > deadline) break;
    await sleep(20);
  }
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    return false;
  }
  return true;
}

/** @returns {Promise<{ result: FileResult, output: string }>} */
async function runFile(/** @type {string} */ node, /** @type {string} */ file) {
  const result = new FileResult();
  let output = '';
  const parser = new Parser();
  result.watch(parser);
  parser.on('bailout', (reason) => result.problems.push(`bailed out: ${reason}`));
  const parsed = /** @type {Promise<import('tap-parser').FinalResults>} */ (
    new Promise((resolve) => parser.once('complete', resolve))
  );

  // A group of its own, so that a test that hangs can be ended with all that it started.
  const child = spawn(node, [file], {
    cwd: inRoot(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Scripts and npm that a test runs must get the Node that is being tested.
    env: { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH ?? ''}`, TAP_TIMEOUT: '290' },
  });
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    output += text;
    parser.write(text);
  });
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
  const group = /** @type {number} */ (child.pid);
  const timer = setTimeout(() => {
    result.problems.push(`still running after ${String(fileTimeoutMs)} ms`);
    process.kill(-group, 'SIGKILL');
  }, fileTimeoutMs);
  /** @type {Promise<[number | null, NodeJS.Signals | null]>} */
  const exited = new Promise((resolve, reject) => {
    child.on('exit', (...exit) => {
      // A process that outlives the test can hold its stdout open: don't wait for the streams without bounds.
      const closed = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 3_000);
      child.once('close', () => {
        clearTimeout(closed);
        resolve(exit);
      });
    });
    child.on('error', reject);
  });
  const [code, signal] = await exited;
  clearTimeout(timer);
  parser.end();
  const results = await parsed;

  if (await killLeftovers(group)) result.problems.push('left processes running');
  if (result.problems.length === 0) {
    if (code !== 0) result.problems.push(`ended with ${signal ?? `exit code ${String(code)}`}`);
    // Such as a plan that wasn't kept, or output cut short.
    else if (!results.ok)
      result.problems.push(results.failures.map(({ tapError }) => String(tapError)).join(', '));
    else if (result.passed + result.skipped === 0) result.problems.push('no test in it');
  }
  return { result, output };
}

/**
 * Runs test files with a given Node. Unit tests run side by side; the others one by one, since they load the machine
 * and look at what is left on it.
 * @param {string} node
 * @param {readonly string[]} files
 * @param {number} jobs
 * @returns {Promise<Counts>}
 */
export async function runTests(node, files, jobs) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const runOne = async (/** @type {string} */ file) => {
    const start = performance.now();
    const { result, output } = await runFile(node, file);
    const { passed, skipped, problems } = result;
    counts.passed += passed;
    counts.failed += problems.length;
    counts.skipped += skipped;
    const name = path.relative(testsFolder, file).replace(/\.js$/, '');
    const time = ((performance.now() - start) / 1000).toFixed(1);
    const skips = skipped > 0 ? `, ${String(skipped)} skipped` : '';
    if (problems.length === 0) console.log(`ok      ${name} (${String(passed)} passed${skips}, ${time} s)`);
    else console.log(`FAILED  ${name} (${time} s)\n${output}\n${problems.map((p) => `  - ${p}`).join('\n')}`);
  };

  const sideBySide = files.filter((file) => kindOf(file) === 'unit');
  const queue = sideBySide.values();
  const worker = async () => {
    for (const file of queue) await runOne(file);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  for (const file of files) if (!sideBySide.includes(file)) await runOne(file);
  return counts;
}

/** The closing line. */
export function summary(/** @type {Counts} */ { passed, failed, skipped }) {
  return `${String(passed)} passed, ${String(failed)} failed${skipped > 0 ? `, ${String(skipped)} skipped` : ''}`;
}
