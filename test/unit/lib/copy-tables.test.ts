import { Readable } from 'node:stream';
import t from 'tap';
import { copyTables } from '../../../lib/copy-tables.js';
import { rejection } from '../../helpers/zygote.js';

t.test('more than can be mapped is refused by the name of the table at which it is too much', async (t) => {
  const chunks = (count: number): Readable =>
    Readable.from(Array.from({ length: count }, () => new Uint8Array(100)));
  const ranges = await copyTables([[chunks(3), 'a'], [chunks(3), 'b']], 620); // prettier-ignore
  t.strictSame(ranges.map(({ offset, length }) => [offset, length]), [[0, 300], [320, 300]]); // prettier-ignore
  for (const { memory } of ranges) memory.release();
  const error = await rejection(copyTables([[chunks(3), 'a'], [chunks(3), 'b']], 619)); // prettier-ignore
  t.match(error, { code: 'ERR_INVALID_OPTION', option: 'b', message: /at most 619 bytes/ });
});
