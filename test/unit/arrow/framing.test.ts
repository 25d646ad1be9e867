// The messages of a stream and of a file: markers, lengths, order, footer.
import t from 'tap';
import * as arrow from 'apache-arrow';
import { Message as FlatMessage } from 'apache-arrow/fb/message';
import { FileBlock } from 'apache-arrow/ipc/metadata/file';
import { ByteBuffer } from 'flatbuffers';
import {
  END_OF_STREAM,
  NONE,
  batchMessage,
  concat,
  dictionaryMessage,
  field,
  schemaMessage,
  sealed,
  stream,
} from '../../helpers/arrow/craft.js';
import { apacheSamples } from '../../helpers/arrow/corpus.js';
import { accepts, refusal, refuses } from '../../helpers/arrow/expect.js';

const fields = [field('c', new arrow.Int32())];
const rows = (...values: number[]): Uint8Array =>
  batchMessage({
    length: values.length,
    nodes: [[values.length, 0]],
    buffers: [new Uint8Array(0), Int32Array.from(values)],
  });
const twoBatches = stream(fields, rows(1, 2, 3), rows(4, 5));
const file = arrow.tableToIPC(arrow.tableFromIPC(twoBatches), 'file');

/** Where the number is in the bytes, if it is there once. */
function find(bytes: Uint8Array, value: bigint, from = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + 8 <= bytes.length; at += 8) if (view.getBigInt64(at, true) === value) return at;
  throw new Error(`no ${value}`);
}

function edited(bytes: Uint8Array, edit: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  edit(new DataView(copy.buffer));
  return copy;
}

t.test('the stream and the file that the tests below break are fine', (t) => {
  accepts(t, twoBatches, 'stream');
  accepts(t, file, 'file');
  t.end();
});

t.test('refuses every stream and file that was cut off', (t) => {
  const { bytes: nested } = apacheSamples().find(
    ({ name }) => name === 'apache-arrow dictionaryNested stream',
  )!;
  for (const bytes of [twoBatches, file, nested]) {
    for (let length = 0; length < bytes.length; length++) {
      if (refusal(bytes.subarray(0, length)) === undefined)
        t.fail(`accepted ${length} of ${bytes.length} bytes`);
    }
  }
  t.end();
});

t.test(
  'refuses a stream that was cut between two messages, which apache-arrow reads as a shorter one',
  (t) => {
    const cut = concat(schemaMessage(fields), rows(1, 2, 3));
    t.equal(arrow.tableFromIPC(cut).numRows, 3);
    refuses(t, cut, 'end-of-stream', 'no marker');
    refuses(t, schemaMessage(fields), 'end-of-stream', 'only a schema');
    t.end();
  },
);

t.test('refuses bytes after the end', (t) => {
  refuses(t, concat(twoBatches, new Uint8Array(8)), 'trailing-bytes', 'zeros');
  refuses(t, concat(twoBatches, twoBatches), 'trailing-bytes', 'another stream');
  refuses(t, concat(twoBatches, END_OF_STREAM), 'trailing-bytes', 'another marker');
  refuses(t, concat(file, new Uint8Array(8)), 'magic', 'zeros after a file');
  t.end();
});

t.test('refuses bytes that are something else', (t) => {
  refuses(t, new Uint8Array(0), 'truncated', 'nothing');
  refuses(t, Buffer.from('not a table at all, but text'), 'limit', 'text');
  refuses(t, new Uint8Array(64), 'message', 'zeros');
  refuses(t, Buffer.from('ARROW1'), 'truncated', 'magic alone');
  refuses(t, END_OF_STREAM, 'message', 'end-of-stream marker alone');
  t.end();
});

t.test('refuses messages at the wrong place', (t) => {
  refuses(t, concat(rows(1), END_OF_STREAM), 'message', 'no schema');
  refuses(t, stream(fields, rows(1), schemaMessage(fields), rows(2)), 'message', 'second schema');
  t.end();
});

t.test('refuses metadata lengths that lie', (t) => {
  const lengthAt = schemaMessage(fields).length + 4;
  for (const length of [-8, 1, 12, 2 ** 30, 2 ** 31 - 1]) {
    const bytes = edited(twoBatches, (view) => {
      view.setInt32(lengthAt, length, true);
    });
    t.ok(refusal(bytes), `${length} bytes`);
  }
  refuses(
    t,
    edited(twoBatches, (view) => {
      view.setInt32(lengthAt, 0, true);
    }),
    'trailing-bytes',
    '0 bytes',
  );
  t.end();
});

t.test('refuses a stream without continuation markers, but for version 4', (t) => {
  const legacy = new arrow.RecordBatchStreamWriter({ writeLegacyIpcFormat: true });
  const bytes = legacy.writeAll(arrow.tableFromIPC(twoBatches)).toUint8Array(true);
  refuses(t, bytes, 'framing', 'version 5');
  t.end();
});

t.test('refuses metadata versions other than 4 and 5, and a mixture', (t) => {
  const view = new DataView(twoBatches.buffer);
  // The version is the only 16-bit field of a message with the value 4 that stands right before its table's header.
  const versions: number[] = [];
  for (let at = 0; at < 200; at += 2) if (view.getInt16(at, true) === 4) versions.push(at);
  const at = versions.find(
    (at) =>
      refusal(
        edited(twoBatches, (v) => {
          v.setInt16(at, 0, true);
        }),
      )?.reason === 'version',
  )!;
  for (const version of [0, 1, 2, 5, -1]) {
    refuses(
      t,
      edited(twoBatches, (v) => {
        v.setInt16(at, version, true);
      }),
      'version',
      `version ${version + 1}`,
    );
  }
  refuses(
    t,
    edited(twoBatches, (v) => {
      v.setInt16(at, 3, true);
    }),
    'version',
    'one message of version 4',
  );
  t.end();
});

t.test('refuses a footer that does not fit the messages', (t) => {
  const first = 8;
  const footerStart = file.length - 10 - new DataView(file.buffer).getInt32(file.length - 10, true);
  const block = find(file, BigInt(first), footerStart);
  const second = block + 24;
  const offset = new DataView(file.buffer).getBigInt64(second, true);
  for (const wrong of [0n, 16n, offset - 8n, BigInt(footerStart), -8n, 2n ** 40n, 2n ** 63n - 1n]) {
    t.ok(
      refusal(
        edited(file, (view) => {
          view.setBigInt64(second, wrong, true);
        }),
      ),
      `offset ${wrong}`,
    );
  }
  refuses(
    t,
    edited(file, (v) => {
      v.setBigInt64(second, BigInt(first), true);
    }),
    'footer',
    'one message twice',
  );
  refuses(
    t,
    edited(file, (v) => {
      v.setInt32(block + 8, 8, true);
    }),
    'footer',
    'metadata length',
  );
  refuses(
    t,
    edited(file, (v) => {
      v.setBigInt64(block + 16, 0n, true);
    }),
    'footer',
    'body length',
  );
  refuses(
    t,
    edited(file, (v) => {
      v.setInt32(block - 4, 1, true);
    }),
    'footer',
    'a message left out',
  );
  t.end();
});

t.test('refuses a footer that leads apache-arrow round in circles', (t) => {
  // A block of the list of record batches that leads to a dictionary batch or a schema is read over and over.
  const encoded = field('c', new arrow.Dictionary(new arrow.Int16(), new arrow.Int8(), 5));
  const values = { length: 1, nodes: [[1, 0] as const], buffers: [NONE, Int16Array.of(1)] };
  for (const message of [dictionaryMessage(5, values), schemaMessage([encoded])]) {
    const metadataLength = 8 + new DataView(message.buffer).getInt32(4, true);
    const block = new FileBlock(metadataLength, message.length - metadataLength, 8);
    const bytes = concat(Buffer.from('ARROW1\0\0'), message);
    refuses(t, sealed([encoded], bytes, [block], [block]), 'footer', 'one block in both lists');
    refuses(t, sealed([encoded], bytes, [block], []), 'footer', 'a block in the wrong list');
  }
  t.end();
});

t.test('accepts version 4 with and without continuation markers', (t) => {
  for (const writeLegacyIpcFormat of [true, false]) {
    const writer = new arrow.RecordBatchStreamWriter({ writeLegacyIpcFormat });
    const bytes = writer.writeAll(arrow.tableFromIPC(twoBatches)).toUint8Array(true).slice();
    const view = new DataView(bytes.buffer);
    const prefix = writeLegacyIpcFormat ? 4 : 8;
    for (let at = 0, length = view.getInt32(prefix - 4, true); length > 0;) {
      const message = FlatMessage.getRootAsMessage(new ByteBuffer(bytes.subarray(at + prefix)));
      view.setInt16(at + prefix + message.bb_pos + (message.bb?.__offset(message.bb_pos, 4) ?? 0), 3, true);
      at += prefix + length + Number(message.bodyLength());
      length = view.getInt32(at + prefix - 4, true);
    }
    accepts(t, bytes, writeLegacyIpcFormat ? 'without' : 'with');
    t.equal(arrow.tableFromIPC(bytes).numRows, 5);
  }
  t.end();
});

t.test('refuses a file with a wrong magic, padding or footer length', (t) => {
  refuses(
    t,
    edited(file, (v) => {
      v.setUint8(file.length - 1, 0x32);
    }),
    'magic',
    'magic at the end',
  );
  refuses(
    t,
    edited(file, (v) => {
      v.setUint8(7, 1);
    }),
    'magic',
    'padding',
  );
  for (const length of [0, -1, 7, file.length, 2 ** 31 - 1]) {
    refuses(
      t,
      edited(file, (v) => {
        v.setInt32(file.length - 10, length, true);
      }),
      'footer',
      `footer of ${length}`,
    );
  }
  t.end();
});

t.test('accepts a file with its schema in front, and refuses one with another', (t) => {
  const withSchema = (message: Uint8Array): Uint8Array => {
    // A file without blocks can have anything in front of its footer without a change to the footer.
    const empty = arrow.tableToIPC(new arrow.Table(new arrow.Schema(fields), []), 'file');
    return concat(empty.subarray(0, 8), message, empty.subarray(8));
  };
  accepts(t, withSchema(schemaMessage(fields)), 'same schema');
  refuses(t, withSchema(schemaMessage([field('d', new arrow.Int32())])), 'schema', 'another name');
  refuses(t, withSchema(schemaMessage([field('c', new arrow.Int16())])), 'schema', 'another type');
  refuses(t, withSchema(rows(1)), 'footer', 'a batch that the footer does not list');
  t.end();
});

t.test('a file with an end-of-stream marker too many is fine', (t) => {
  const empty = arrow.tableToIPC(new arrow.Table(new arrow.Schema(fields), []), 'file');
  const bytes = concat(empty.subarray(0, 8), END_OF_STREAM, END_OF_STREAM, empty.subarray(8));
  accepts(t, bytes, 'two markers');
  refuses(
    t,
    concat(empty.subarray(0, 8), new Uint8Array(24).fill(7), empty.subarray(8)),
    'limit',
    'something else',
  );
  t.end();
});
