// What is accepted, what is said about it, and the arguments.
import * as arrow from 'apache-arrow';
import fs from 'node:fs';
import t from 'tap';
import { FLIGHTS } from '../../../demo/flights.js';
import { DEFAULT_ARROW_LIMITS, validateArrow } from '../../../lib/arrow/validate.js';
import { flechetteSamples, apacheSamples, tables, twoDictionaries } from '../../helpers/arrow/corpus.js';
import { accepts, refuses } from '../../helpers/arrow/expect.js';
import { readAll } from '../../helpers/arrow/read-all.js';

t.test('accepts every type that apache-arrow writes', (t) => {
  for (const { name, bytes } of apacheSamples()) accepts(t, bytes, name);
  t.end();
});

t.test('accepts every type that flechette, another implementation, writes', (t) => {
  for (const { name, bytes } of flechetteSamples()) accepts(t, bytes, name);
  t.end();
});

t.test('accepts a real file, whose writer did not align the footer', (t) => {
  const bytes = new Uint8Array(fs.readFileSync(FLIGHTS));
  t.match(validateArrow(bytes), { format: 'file', numColumns: 3, bytes: 1_600_864 });
  accepts(t, bytes, 'flights-200k.arrow');
  t.end();
});

t.test('refuses the views of a part of a table, which apache-arrow writes wrong', (t) => {
  const text = Array.from({ length: 6 }, (_, i) => `${i}`);
  const table = new arrow.Table({ v: arrow.vectorFromArray(text, new arrow.Utf8View()) });
  const bytes = arrow.tableToIPC(table.slice(2, 6));
  t.throws(() => readAll(bytes));
  refuses(t, bytes, 'buffer', 'rows 2 to 6');
  t.end();
});

t.test('tells what is in a table', (t) => {
  const { batches, all } = tables();
  const bytes = arrow.tableToIPC(batches!, 'file');
  t.strictSame(validateArrow(bytes), {
    format: 'file',
    numColumns: 2,
    numRows: 12,
    numBatches: 4,
    numDictionaries: 0,
    bytes: bytes.length,
  });
  const whole = arrow.tableToIPC(all!, 'stream');
  t.match(validateArrow(whole), { format: 'stream', numColumns: all!.numCols, numRows: 7, numBatches: 1 });
  t.match(validateArrow(arrow.tableToIPC(twoDictionaries('delta'))), { numDictionaries: 2, numBatches: 2 });
  t.match(validateArrow(arrow.tableToIPC(tables().noBatches!)), { numRows: 0, numBatches: 0 });
  t.end();
});

t.test('accepts bytes at any place in memory, if apache-arrow reads them there', (t) => {
  const bytes = arrow.tableToIPC(new arrow.Table({ a: arrow.vectorFromArray([1, 2], new arrow.Float64()) }));
  for (let shift = 0; shift < 8; shift++) {
    const memory = new Uint8Array(bytes.length + 8);
    memory.set(bytes, shift);
    const moved = memory.subarray(shift, shift + bytes.length);
    t.equal(validateArrow(moved).numRows, 2, `shifted by ${shift}`);
    readAll(moved);
  }
  t.end();
});

t.test('refuses a union that is misaligned in memory, which apache-arrow throws on', (t) => {
  const { bytes } = apacheSamples().find(({ name }) => name === 'apache-arrow denseUnion stream')!;
  const memory = new Uint8Array(bytes.length + 8);
  memory.set(bytes, 2);
  const moved = memory.subarray(2, 2 + bytes.length);
  t.throws(() => readAll(moved));
  refuses(t, moved, 'unsupported', 'a shift by two');
  t.end();
});

t.test('reads a Buffer and shared memory like a Uint8Array', (t) => {
  const bytes = arrow.tableToIPC(arrow.tableFromArrays({ s: ['a', 'ü'] }));
  t.equal(validateArrow(Buffer.from(bytes)).numRows, 2);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  t.equal(validateArrow(shared).numRows, 2);
  t.end();
});

t.test('refuses arguments of the wrong kind', (t) => {
  const option = { code: 'ERR_INVALID_OPTION' };
  const bytes = arrow.tableToIPC(arrow.tableFromArrays({ a: [1] }));
  t.throws(() => validateArrow('ARROW1' as unknown as Uint8Array), option);
  t.throws(() => validateArrow(bytes, { maxRows: -1 }), option);
  t.throws(() => validateArrow(bytes, { maxDepth: 1.5 }), option);
  t.throws(() => validateArrow(bytes, { maxColumns: '5' as unknown as number }), option);
  t.end();
});

t.test('has defaults that nobody can change', (t) => {
  t.throws(() => Object.assign(DEFAULT_ARROW_LIMITS, { maxRows: 1 }), TypeError);
  t.end();
});

t.test('an error tells the reason, the offset and the column', (t) => {
  const bytes = arrow.tableToIPC(new arrow.Table({ name: arrow.vectorFromArray(['abc'], new arrow.Utf8()) }));
  const at = Buffer.from(bytes).indexOf('abc');
  bytes[at] = 0xff;
  t.throws(() => validateArrow(bytes), {
    name: 'InvalidArrowError',
    code: 'ERR_INVALID_ARROW',
    reason: 'utf8',
    offset: at,
    path: 'batches[0]."name"',
  });
  t.end();
});
