/** What a checkout of github.com/apache/arrow-testing has in Arrow's IPC formats, and what is to become of it. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ArrowReason } from '../../lib/arrow/validate.js';

const FOLDERS = ['arrow-ipc-file', 'arrow-ipc-stream', 'arrow-ipc-tensor-stream', 'forward-compatibility'];

/** Written to be read: `golden`. From fuzzers, and from a future that is made up: `corrupt`. */
export type Kind = 'golden' | 'corrupt';

export interface TestFile {
  readonly name: string;
  readonly path: string;
  readonly kind: Kind;
  /** The same table as JSON, gzipped. */
  readonly twin: string | undefined;
}

export function findTestFiles(checkout: string): TestFile[] {
  const data = path.join(checkout, 'data');
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(path.join(data, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(folder, name))
      .filter((name) => statSync(path.join(data, name)).isFile() && !/\.(md|gz)$/.test(name)),
  );
  return files.sort().map((name) => {
    const file = path.join(data, name);
    const twin = file.replace(/\.(arrow_file|stream)$/, '.json.gz');
    const kind = name.includes('/integration/') ? 'golden' : 'corrupt';
    return { name, path: file, kind, twin: twin !== file && existsSync(twin) ? twin : undefined };
  });
}

/** What docs/arrow.md says is refused although the format allows it, and files that the format does not allow. */
const REFUSALS: readonly (readonly [reason: ArrowReason, files: RegExp])[] = [
  ['endianness', /\/1\.0\.0-bigendian\//],
  ['unsupported', /\/2\.0\.0-compression\//],
  ['unsupported', /_(decimal32|decimal64|decimal256|list_view|run_end_encoded)\./],
  ['name', /_duplicate_fieldnames\.|\/(0\.17\.1|1\.0\.0-littleendian)\/generated_union\./],
  ['value', /\/(0\.14\.1|1\.0\.0-littleendian)\/generated_(datetime|decimal)\./],
  ['version', /\/0\.14\.1\/.*\.arrow_file$/],
];

/** Whether a golden file may be refused for this reason. */
export function mayBeRefused({ name }: TestFile, reason: ArrowReason): boolean {
  return REFUSALS.some(([known, files]) => known === reason && files.test(name));
}
