// `npm run fuzz:arrow-testing` tells what is fine from what is not, and fails for the latter.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Int32, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import t from 'tap';

const SCRIPT = fileURLToPath(new URL('../../bench/arrow-testing.js', import.meta.url));
const GOLDEN = 'arrow-ipc-stream/integration/21.0.0';
const FOLDERS = ['arrow-ipc-file', GOLDEN, 'arrow-ipc-tensor-stream', 'forward-compatibility'];

/** As Arrow's integration tests have it. */
function twinOf(values: readonly number[]): Uint8Array {
  const type = { name: 'int', isSigned: true, bitWidth: 32 };
  const fields = [{ name: 'a', type, nullable: true, children: [] }];
  const column = { name: 'a', count: values.length, VALIDITY: values.map(() => 1), DATA: values };
  const batches = [{ count: values.length, columns: [column] }];
  return gzipSync(JSON.stringify({ schema: { fields }, batches }));
}

const stream = tableToIPC(new Table({ a: vectorFromArray([1, 2], new Int32()) }), 'stream');

t.test('each file is what it should be, or said to be wrong', (t) => {
  const checkout = mkdtempSync(join(tmpdir(), 'nodespawner-arrow-testing-'));
  t.teardown(() => {
    rmSync(checkout, { recursive: true });
  });
  for (const folder of FOLDERS) mkdirSync(join(checkout, 'data', folder), { recursive: true });
  const files = {
    [`${GOLDEN}/right.stream`]: stream,
    [`${GOLDEN}/right.json.gz`]: twinOf([1, 2]),
    [`${GOLDEN}/other.stream`]: stream,
    [`${GOLDEN}/other.json.gz`]: twinOf([1, 3]),
    [`${GOLDEN}/cut.stream`]: stream.subarray(0, -8),
    'arrow-ipc-file/from-a-fuzzer': stream.subarray(0, -24),
    'arrow-ipc-file/README.md': Buffer.from('no table'),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(checkout, 'data', name), bytes);
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, checkout], { encoding: 'utf8' });
  t.equal(status, 1);
  t.match(stdout, /cut\.stream: end-of-stream: .*\n {2}wrong: refused without the documentation saying so\n/);
  t.match(stdout, /other\.stream: accepted\n {2}wrong: it is another table than its twin in JSON\n/);
  t.match(stdout, /files: 4,\n {2}failed: 2,/);
  t.match(stdout, /'golden: accepted': 2,/);
  t.match(stdout, /'golden: the same as its twin in JSON': 1/);
  t.match(stdout, /'corrupt: refused, truncated': 1/);
  t.end();
});
