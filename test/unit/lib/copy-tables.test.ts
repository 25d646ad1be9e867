import { Readable } from 'node:stream';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { copyTables } from '../../../lib/copy-tables.js';
import { rejection } from '../../helpers/zygote.js';

t.test('more than can be mapped is refused by the name of the table at which it is too much', async (t) => {
  const bytes = tableToIPC(tableFromArrays({ n: [1] }), 'stream');
  const length = bytes.byteLength;
  const chunks = (): Readable => Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]);
  const offset = 64 * Math.ceil(length / 64);
  const ranges = await copyTables([[chunks(), 'a'], [chunks(), 'b']], offset + length); // prettier-ignore
  t.strictSame(ranges.map(({ offset, length }) => [offset, length]), [[0, length], [offset, length]]); // prettier-ignore
  for (const { memory } of ranges) memory.release();
  const error = await rejection(Promise.resolve(copyTables([[chunks(), 'a'], [chunks(), 'b']], offset + length - 1))); // prettier-ignore
  t.match(error, { code: 'ERR_INVALID_OPTION', option: 'b', message: /at most \d+ bytes/ });
});
