// The outline of tables: cheap to check, and enough to tell what is none.
import * as arrow from 'apache-arrow';
import t from 'tap';
import { checkOutline } from '../../../lib/arrow/outline.js';
import { samples } from '../../helpers/arrow/corpus.js';

const table = new arrow.Table([1, 2, 3].flatMap((n) => arrow.tableFromArrays({ n: [n, n] }).batches));
const stream = arrow.tableToIPC(table, 'stream');
const file = arrow.tableToIPC(table, 'file');

t.test('all samples have the outline of a table', (t) => {
  for (const { name, bytes } of samples())
    t.doesNotThrow(() => {
      checkOutline(bytes);
    }, name);
  t.doesNotThrow(() => {
    checkOutline(stream.subarray(0, -8));
  }, 'a stream that is ended by its end');
  t.end();
});

t.test('what is no table, or was cut short, is found out', (t) => {
  const refused = (bytes: Uint8Array, reason: string, name: string): void => {
    t.throws(
      () => {
        checkOutline(bytes);
      },
      { code: 'ERR_INVALID_ARROW', reason },
      name,
    );
  };
  refused(new Uint8Array(0), 'message', 'nothing');
  refused(Buffer.from('a,b,c\n1,2,3\n'), 'truncated', 'CSV');
  refused(Buffer.from('[{"a": 1}, {"a": 2}]'), 'truncated', 'JSON');
  refused(Buffer.from('PAR1'), 'truncated', 'Parquet');
  refused(Buffer.alloc(64), 'message', 'zeros');
  for (let length = 8; length < file.length; length++) {
    t.throws(
      () => {
        checkOutline(file.subarray(0, length));
      },
      { code: 'ERR_INVALID_ARROW' },
      `file, ${length}`,
    );
  }
  refused(stream.subarray(0, 100), 'truncated', 'in the schema');
  refused(stream.subarray(0, -16), 'truncated', 'in the last batch');
  const later = stream.slice();
  later.copyWithin(0, 8);
  refused(later, 'framing', 'without its first bytes');
  t.end();
});

t.test('a footer that leads elsewhere is found out', (t) => {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const footerStart = file.length - 10 - view.getInt32(file.length - 10, true);
  // The blocks, whose offsets are the only numbers of eight bytes that are those of messages.
  let moved = 0;
  for (let at = footerStart; at + 8 <= file.length; at += 4) {
    const offset = Number(view.getBigInt64(at, true));
    if (offset < 8 || offset >= footerStart || view.getInt32(offset, true) !== -1) continue;
    for (const other of [offset + 8, footerStart, -8]) {
      const bytes = file.slice();
      new DataView(bytes.buffer).setBigInt64(at, BigInt(other), true);
      t.throws(
        () => {
          checkOutline(bytes);
        },
        { code: 'ERR_INVALID_ARROW' },
        `${offset} to ${other}`,
      );
    }
    moved++;
  }
  t.equal(moved, 3, 'three batches');
  t.end();
});
