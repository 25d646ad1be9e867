/** Validates files and reads what is valid, on a thread that may hang. */
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { fromJson } from '../../cli/json.js';
import { InvalidArrowError, validateArrow, type ArrowReason } from '../../lib/arrow/validate.js';
import { describeTable } from '../../test/helpers/arrow/describe.js';
import { guarded } from '../../test/helpers/arrow/mutate.js';
import { readAll } from '../../test/helpers/arrow/read-all.js';
import type { TestFile } from './files.js';

export type Reading =
  /** What apache-arrow tells of it, and whether it tells the same of the twin; undefined without one. */
  | { readonly accepted: true; readonly described: string; readonly isAsTwin: boolean | undefined }
  | { readonly accepted: false; readonly reason: ArrowReason; readonly message: string };

function describeTwin(file: string): string {
  const json = fromJson(gunzipSync(readFileSync(file)).toString());
  return describeTable(tableFromIPC(json as never));
}

/** @throws whatever apache-arrow throws at what was accepted */
function read({ path, twin }: TestFile): Reading {
  const bytes = guarded(new Uint8Array(readFileSync(path)));
  try {
    validateArrow(bytes);
  } catch (error) {
    if (!(error instanceof InvalidArrowError)) throw error;
    return { accepted: false, reason: error.reason, message: error.message };
  }
  readAll(bytes);
  const described = describeTable(tableFromIPC(bytes));
  return { accepted: true, described, isAsTwin: twin === undefined ? undefined : described === describeTwin(twin) };
} // prettier-ignore

parentPort?.on('message', (file: TestFile) => {
  try {
    parentPort?.postMessage(read(file));
  } catch (error) {
    parentPort?.postMessage(error);
  }
});
