// The metadata: vtables, offsets, vectors, strings, and graphs that are larger than their bytes.
import t from 'tap';
import * as arrow from 'apache-arrow';
import { Message } from 'apache-arrow/fb/message';
import { Schema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';
import { END_OF_STREAM, concat, field, schemaMessage } from '../../helpers/arrow/craft.js';
import { accepts, refusal, refuses } from '../../helpers/arrow/expect.js';

/** Offset of the metadata behind the continuation marker and the length. */
const METADATA = 8;

function whole(...fields: arrow.Field[]): Uint8Array {
  return concat(schemaMessage(fields), END_OF_STREAM);
}

function schemaOf(bytes: Uint8Array): Schema {
  const buffer = new ByteBuffer(bytes.subarray(METADATA));
  return Message.getRootAsMessage(buffer).header(new Schema()) as Schema;
}

/** Offset in `bytes` of the elements of the vector in a table's field. */
function vectorAt(table: { bb: ByteBuffer | null; bb_pos: number }, slot: number): number {
  const bb = table.bb!;
  return METADATA + bb.__vector(table.bb_pos + bb.__offset(table.bb_pos, 4 + 2 * slot));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const int = field('number', new arrow.Int32());

t.test('refuses vectors and strings that are longer than the metadata', (t) => {
  for (const length of [1000, 2 ** 24, 2 ** 31 - 1, 2 ** 32 - 1]) {
    const bytes = whole(int);
    viewOf(bytes).setUint32(vectorAt(schemaOf(bytes), 1) - 4, length, true);
    refuses(t, bytes, 'flatbuffer', `${length} fields`);
    const other = whole(int);
    viewOf(other).setUint32(vectorAt(schemaOf(other).fields(0)!, 0) - 4, length, true);
    refuses(t, other, 'flatbuffer', `name of ${length} bytes`);
  }
  t.end();
});

t.test('refuses offsets that lead outside, and to themselves', (t) => {
  for (const offset of [0, 2 ** 20, 2 ** 31, 2 ** 32 - 4]) {
    const bytes = whole(int);
    viewOf(bytes).setUint32(vectorAt(schemaOf(bytes), 1), offset, true);
    refuses(t, bytes, 'flatbuffer', `offset ${offset}`);
  }
  t.end();
});

t.test('refuses vtables that lie', (t) => {
  const at = METADATA + schemaOf(whole(int)).bb_pos;
  const vtableAt = (bytes: Uint8Array): number => at - viewOf(bytes).getInt32(at, true);
  for (const offset of [-(2 ** 31), -4096, 4096, 2 ** 31 - 1, 1]) {
    const bytes = whole(int);
    viewOf(bytes).setInt32(at, offset, true);
    t.ok(refusal(bytes), `vtable at ${offset}`);
  }
  for (const length of [0, 2, 3, 7, 0x7ffe, 0xffff]) {
    const bytes = whole(int);
    viewOf(bytes).setUint16(vtableAt(bytes), length, true);
    t.ok(refusal(bytes), `vtable of ${length}`);
  }
  for (const length of [0, 3, 0x7fff, 0xffff]) {
    const bytes = whole(int);
    viewOf(bytes).setUint16(vtableAt(bytes) + 2, length, true);
    t.ok(refusal(bytes), `table of ${length}`);
  }
  t.end();
});

t.test('refuses a string that is not UTF-8 or does not end', (t) => {
  const bytes = whole(int);
  const at = vectorAt(schemaOf(bytes).fields(0)!, 0);
  bytes[at] = 0xff;
  refuses(t, bytes, 'flatbuffer', 'bytes of no character');
  const endless = whole(int);
  endless[at + 'number'.length] = 0x21;
  refuses(t, endless, 'flatbuffer', 'no zero at the end');
  t.end();
});

t.test('refuses a schema in which few bytes stand for many columns', (t) => {
  // Unions in unions, each with two children: with all of them the same table it doubles with each level.
  const levels = 40;
  let type: arrow.DataType = new arrow.Int32();
  for (let i = 0; i < levels; i++) {
    type = new arrow.Union(arrow.UnionMode.Sparse, [0, 1], [field('x', type), field('y', new arrow.Int8())]);
  }
  const bytes = whole(field('u', type));
  accepts(t, bytes, 'as long as the children are different ones');
  let parent = schemaOf(bytes).fields(0)!;
  for (let i = 0; i < levels; i++) {
    const first = vectorAt(parent, 5);
    const view = viewOf(bytes);
    view.setUint32(first + 4, view.getUint32(first, true) - 4, true);
    parent = parent.children(0)!;
  }
  refuses(t, bytes, 'flatbuffer', 'shared children');
  t.end();
});

t.test('refuses custom metadata in which one text is given over and over', (t) => {
  const count = 2000;
  const pairs = Array.from({ length: count }, (_, i): [string, string] => [
    `${i}`,
    i === 0 ? 'x'.repeat(20_000) : '',
  ]);
  const bytes = whole(new arrow.Field('c', new arrow.Int32(), true, new Map(pairs)));
  accepts(t, bytes, 'as long as the texts are different ones');
  const first = vectorAt(schemaOf(bytes).fields(0)!, 6);
  const view = viewOf(bytes);
  for (let i = 1; i < count; i++) view.setUint32(first + 4 * i, view.getUint32(first, true) - 4 * i, true);
  refuses(t, bytes, 'flatbuffer', 'shared text');
  t.end();
});

t.test('counts a text that is given over and over as often as it is given', (t) => {
  const count = 12;
  const pairs = Array.from({ length: count }, (_, i): [string, string] => [`${i}`, i === 0 ? 'x'.repeat(5_000) : '']);
  const bytes = whole(new arrow.Field('c', new arrow.Int32(), true, new Map(pairs)));
  const limits = { maxMetadataBytes: 8_000 };
  t.equal(refusal(bytes, limits), undefined);
  const first = vectorAt(schemaOf(bytes).fields(0)!, 6);
  const view = viewOf(bytes);
  for (let i = 1; i < count; i++) view.setUint32(first + 4 * i, view.getUint32(first, true) - 4 * i, true);
  t.equal(refusal(bytes), undefined, 'not too often for its bytes');
  refuses(t, bytes, 'limit', 'but for what is kept of it', limits);
  t.end();
}); // prettier-ignore

t.test('refuses each kind of a message with a table left out', (t) => {
  const bytes = whole(int);
  const message = Message.getRootAsMessage(new ByteBuffer(bytes.subarray(METADATA)));
  const at = METADATA + message.bb_pos;
  const vtable = at - viewOf(bytes).getInt32(at, true);
  const without = (slot: number): Uint8Array => {
    const copy = bytes.slice();
    viewOf(copy).setUint16(vtable + 4 + 2 * slot, 0, true);
    return copy;
  };
  refuses(t, without(0), 'version', 'no version');
  refuses(t, without(1), 'message', 'no kind of header');
  refuses(t, without(2), 'message', 'no header');
  t.end();
});
