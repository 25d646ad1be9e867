// Batches that apache-arrow's writer can't write, found before anything of them is.
import * as arrow from 'apache-arrow';
import t from 'tap';
import { bytesOfTable } from '../../../lib/table-bytes.js';
import { MAX_BATCH_BYTES } from '../../../protocol/limits.js';
import { writeTables } from '../../../zygote/output.js';
import { rejection } from '../../helpers/zygote.js';

/** Of zeros, which are nowhere as long as nobody writes them. An array of its own may not be that large. */
function tableOf(bytes: number): arrow.Table {
  const half = Math.ceil(bytes / 2);
  const data = arrow.makeData({ type: new arrow.Uint8(), length: half, data: new Uint8Array(half) });
  return new arrow.Table({ a: new arrow.Vector([data]), b: new arrow.Vector([data]) });
}

const memory = () => ({
  end: 0,
  begin: () => 0,
  flush: () => undefined,
  write(chunk: Uint8Array): void {
    this.end += chunk.byteLength;
  },
});

async function written(table: arrow.Table): Promise<number> {
  const [place] = await writeTables(memory(), [['t', table]], arrow);
  return place?.length ?? 0;
}

async function placed(table: arrow.Table): Promise<number> {
  let length = 0;
  for await (const { byteLength } of bytesOfTable(table, 'inputs.tables.t')) length += byteLength;
  return length;
}

t.test('a batch that is as large as can be is written, by a child and by the host', async (t) => {
  const table = tableOf(MAX_BATCH_BYTES - 1000);
  t.ok((await written(table)) > MAX_BATCH_BYTES - 1000);
  t.equal(await placed(table), await written(table), 'the same bytes');
});

t.test('a larger one is refused, and why is said', async (t) => {
  const reason = /record batch(es)? of more than 2147483647 bytes, which apache-arrow can't write/;
  for (const bytes of [MAX_BATCH_BYTES, 3 * 2 ** 30]) {
    const table = tableOf(bytes);
    t.match(await rejection(written(table)), { code: 'ERR_UNSUPPORTED_VALUE', path: 'tables.t[0]', reason });
    t.match(await rejection(placed(table)), {
      code: 'ERR_INVALID_OPTION',
      option: 'inputs.tables.t',
      message: reason,
    });
  }
});
