/**
 * Takes every file of Arrow's IPC formats that a checkout of github.com/apache/arrow-testing has, those that other
 * implementations have written and those that fuzzers have found:
 *
 *   npm run fuzz:arrow-testing -- DIR [--all]
 *
 *   DIR    the checkout
 *   --all  says of each file what came, and not only where something is wrong
 *
 * Each is validated. What is valid is read to the last value, compared with its twin in JSON, and goes into a real child and
 * out of it, whole and batch by batch. What is not valid is passed off as a table by a child, which has to be badOutput for
 * the same reason, and is given to another, which nothing validates: whatever becomes of that one, the host gets a result.
 *
 * It fails for a crash or a hang, for what was accepted and can't be read or reads otherwise elsewhere, and for a golden
 * file that is refused without docs/arrow.md saying so.
 */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Zygote } from '../lib/index.js';
import { giveUnvalidated, goesThrough, passOff } from './arrow-testing/children.js';
import { findTestFiles, mayBeRefused, type TestFile } from './arrow-testing/files.js';
import type { Reading } from './arrow-testing/reader.js';

const HANG_MS = 20_000;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean', default: false } } }); // prettier-ignore
const [checkout] = positionals;
if (checkout === undefined) throw new Error('Say where the checkout of apache/arrow-testing is');

const startReader = (): Worker => new Worker(new URL('arrow-testing/reader.js', import.meta.url));
let reader = startReader();

/** @throws what the reader throws, also for having no end */
async function readingOf(file: TestFile): Promise<Reading> {
  reader.postMessage(file);
  try {
    const [answer] = (await once(reader, 'message', { signal: AbortSignal.timeout(HANG_MS) })) as [Reading | Error];
    if (answer instanceof Error) throw answer;
    return answer;
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
    await reader.terminate();
    reader = startReader();
    throw new Error('it hangs', { cause: error });
  }
} // prettier-ignore

const counts: Record<string, number> = {};
function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** @returns what came, and what is wrong */
async function check(zygote: Zygote, file: TestFile): Promise<{ came: string; wrong: string[] }> {
  const bytes = new Uint8Array(readFileSync(file.path));
  const reading = await readingOf(file);
  if (reading.accepted) {
    count(`${file.kind}: accepted`);
    const wrong = await goesThrough(zygote, bytes, reading.described);
    if (reading.isAsTwin === false) wrong.push('it is another table than its twin in JSON');
    if (reading.isAsTwin === true) count(`${file.kind}: the same as its twin in JSON`);
    return { came: 'accepted', wrong };
  }
  const { reason, message } = reading;
  count(`${file.kind}: refused, ${reason}`);
  const wrong = [];
  if (file.kind === 'golden' && !mayBeRefused(file, reason))
    wrong.push('refused without the documentation saying so');
  const result = await passOff(zygote, bytes);
  const isRefused = result.status === 'badOutput' && result.reason.includes(message);
  if (!isRefused) wrong.push(`passed off as a table, it is ${result.status}`);
  const given = await giveUnvalidated(zygote, bytes);
  count(`given to a child all the same: ${given}`);
  return { came: `${reason}: ${message}; given to a child: ${given}`, wrong };
}

const zygote = await Zygote.start({ preload: ['apache-arrow'], from: import.meta.url });
const files = findTestFiles(checkout);
if (files.length === 0) throw new Error(`${checkout} has no Arrow files`);
let failed = 0;
for (const file of files) {
  let outcome;
  try {
    outcome = await check(zygote, file);
  } catch (error) {
    outcome = { came: 'an error', wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
  if (outcome.wrong.length > 0) failed++;
  if (values.all || outcome.wrong.length > 0) console.log([`${file.name}: ${outcome.came}`, ...outcome.wrong].join('\n  wrong: '));
} // prettier-ignore
await Promise.all([zygote.close(), reader.terminate()]);
const sorted = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b)));
const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log({ files: files.length, failed, node: process.version, peakRssMb, ...sorted });
process.exitCode = failed === 0 ? 0 : 1;
