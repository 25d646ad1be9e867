// Offsets, UTF-8 and views.
import t from 'tap';
import * as arrow from 'apache-arrow';
import { NONE, bits, column, type CraftedBuffer } from '../../helpers/arrow/craft.js';
import { accepts, refuses } from '../../helpers/arrow/expect.js';

const utf8 = new arrow.Utf8();
const large = new arrow.LargeUtf8();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function strings(
  offsets: readonly number[],
  data: Uint8Array,
  nulls = '',
  type: arrow.DataType = utf8,
): Uint8Array {
  const length = Math.max(0, offsets.length - 1);
  const wide = arrow.DataType.isLargeUtf8(type) || arrow.DataType.isLargeBinary(type);
  const list = wide ? BigInt64Array.from(offsets, BigInt) : Int32Array.from(offsets);
  const nullCount = nulls.split('0').length - 1;
  return column(type, {
    length,
    nodes: [[length, nullCount]],
    buffers: [nulls === '' ? NONE : bits(nulls), list, data],
  });
}

for (const type of [utf8, large]) {
  t.test(`offsets of ${String(type)} are in order and inside the data`, (t) => {
    const check = (offsets: number[]): Uint8Array => strings(offsets, text('abcdef'), '', type);
    accepts(t, check([0, 2, 2, 6]), 'from 0');
    accepts(t, check([1, 2, 5]), 'from 1');
    accepts(t, check([0]), 'no value, one offset');
    accepts(t, check([]), 'no value, no offset');
    refuses(t, check([0, 3, 2, 6]), 'offsets', 'backwards');
    refuses(t, check([0, 7]), 'offsets', 'beyond the end');
    refuses(t, check([0, 7, 6]), 'offsets', 'beyond the end and back');
    refuses(t, check([-1, 2]), 'offsets', 'before the start');
    refuses(t, check([0, -1, 2]), 'offsets', 'before the start and back');
    refuses(t, check([7]), 'offsets', 'no value, an offset beyond the end');
    if (type === large) {
      refuses(t, check([0, 2 ** 32, 6]), 'offsets', '2^32');
      refuses(t, check([0, 2 ** 62, 2 ** 62 + 8192, 6]), 'offsets', 'more than a number holds');
      refuses(t, check([0, -(2 ** 63), 6]), 'offsets', '-2^63');
    }
    t.end();
  });
}

t.test('offsets are as many as values, and one', (t) => {
  const batch = { length: 3, nodes: [[3, 0] as const] };
  const short = column(utf8, { ...batch, buffers: [NONE, Int32Array.of(0, 1, 2), text('abc')] });
  refuses(t, short, 'buffer', 'an offset too few');
  const shortLarge = column(large, { ...batch, buffers: [NONE, BigInt64Array.of(0n, 1n, 2n), text('abc')] });
  refuses(t, shortLarge, 'buffer', 'a 64-bit offset too few');
  t.end();
});

t.test('every string is UTF-8', (t) => {
  accepts(t, strings([0, 3, 7, 8], text('€𝒳a')), 'characters of every length');
  for (const [name, bytes] of [
    ['a byte of no character', [0xff]],
    ['a character cut short', [0xe2, 0x82]],
    ['a continuation alone', [0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ] as const) {
    refuses(t, strings([0, bytes.length], Uint8Array.from(bytes)), 'utf8', name);
    const among = Uint8Array.from([...text('a'.repeat(50)), ...bytes, ...text('z'.repeat(50))]);
    refuses(t, strings([0, 50, 50 + bytes.length, among.length], among), 'utf8', `${name}, among others`);
  }
  accepts(t, strings([0, 1], Uint8Array.of(0xff), '', new arrow.Binary()), 'binary data need not be UTF-8');
  t.end();
});

t.test('no string begins or ends within a character', (t) => {
  refuses(t, strings([0, 1, 3], text('€')), 'utf8', 'split in two');
  refuses(t, strings([1, 3], text('€')), 'utf8', 'begins late');
  refuses(t, strings([0, 2], text('€')), 'utf8', 'ends early');
  refuses(t, strings([0, 4, 8], text('abc€xy')), 'utf8', 'split after ASCII');
  t.end();
});

t.test('bytes that no string refers to need not be UTF-8, nor those of null slots', (t) => {
  accepts(t, strings([1, 3], Uint8Array.of(0xff, 0x61, 0x62, 0xff)), 'before and after');
  accepts(t, strings([0, 1, 2, 4], Uint8Array.of(0x61, 0xff, 0xc3, 0xbc), '101'), 'null slot');
  accepts(
    t,
    strings([0, 1, 2, 4], Uint8Array.of(0x61, 0xc3, 0xbc, 0x62), '100'),
    'null slots that split one',
  );
  refuses(t, strings([0, 1, 2, 4], Uint8Array.of(0xff, 0xff, 0xc3, 0xbc), '101'), 'utf8', 'another one');
  t.end();
});

const viewType = new arrow.Utf8View();

/** A 16-byte view: an inline value, or the length, prefix, buffer and offset of another. */
function view(
  value: string | readonly [length: number, prefix: string, buffer: number, offset: number],
): Uint8Array {
  const bytes = new Uint8Array(16);
  const data = new DataView(bytes.buffer);
  if (typeof value === 'string') {
    data.setInt32(0, text(value).length, true);
    bytes.set(text(value), 4);
  } else {
    const [length, prefix, buffer, offset] = value;
    data.setInt32(0, length, true);
    bytes.set(text(prefix), 4);
    data.setInt32(8, buffer, true);
    data.setInt32(12, offset, true);
  }
  return bytes;
}

function views(
  list: readonly Uint8Array[],
  buffers: readonly CraftedBuffer[],
  nulls = '',
  count = buffers.length,
) {
  const nullCount = nulls.split('0').length - 1;
  return column(viewType, {
    length: list.length,
    nodes: [[list.length, nullCount]],
    buffers: [nulls === '' ? NONE : bits(nulls), Buffer.concat(list), ...buffers],
    variadicCounts: [count],
  });
}

t.test('views lead to their data', (t) => {
  const data = text('0123456789abcdef');
  accepts(
    t,
    views([view('short'), view(''), view('twelve bytes'), view([13, '0123', 0, 0])], [data]),
    'all kinds',
  );
  accepts(t, views([view([13, '3456', 1, 3])], [NONE, data]), 'second buffer');
  refuses(t, views([view([13, '0123', 1, 0])], [data]), 'view', 'no such buffer');
  refuses(t, views([view([13, '0123', -1, 0])], [data]), 'view', 'buffer -1');
  refuses(t, views([view([13, '4567', 0, 4])], [data]), 'view', 'beyond the end of the buffer');
  refuses(t, views([view([13, '0123', 0, -1])], [data]), 'view', 'before its start');
  refuses(t, views([view([2 ** 31 - 1, '0123', 0, 0])], [data]), 'view', 'longer than the buffer');
  refuses(t, views([view([-1, '', 0, 0])], [data]), 'view', 'of negative length');
  refuses(t, views([view([13, '0124', 0, 0])], [data]), 'view', 'wrong prefix');
  t.end();
});

t.test('inline views are padded with zeros', (t) => {
  for (let length = 0; length < 12; length++) {
    for (let at = length; at < 12; at++) {
      const bytes = view('x'.repeat(length));
      bytes[4 + at] = 1;
      refuses(t, views([bytes], []), 'view', `${length} bytes and one at ${at}`);
    }
  }
  t.end();
});

t.test('variadic counts are those of the buffers', (t) => {
  const data = text('0123456789abcdef');
  refuses(t, views([view('a')], [data], '', 0), 'batch', 'too few');
  refuses(t, views([view('a')], [data], '', 2), 'batch', 'too many');
  refuses(t, views([view('a')], [data], '', -1), 'batch', 'negative');
  refuses(t, views([view('a')], [data], '', 2 ** 40), 'batch', 'huge');
  t.end();
});

t.test('views are UTF-8', (t) => {
  const data = text('ab€def, longer than an inline view');
  accepts(t, views([view('€'), view('ünf')], []), 'inline');
  const mixed = text('0123€789abcdef€');
  accepts(t, views([view([mixed.length, '0123', 0, 0])], [mixed]), 'whole characters');
  refuses(t, views([view([mixed.length - 1, '0123', 0, 0])], [mixed]), 'utf8', 'ends early');
  const late = new Uint8Array(16);
  new DataView(late.buffer).setInt32(0, mixed.length - 5, true);
  late.set(mixed.subarray(5, 9), 4);
  new DataView(late.buffer).setInt32(12, 5, true);
  refuses(t, views([late], [mixed]), 'utf8', 'begins late');
  const inline = view('');
  inline.set([1, 0, 0, 0, 0xff]);
  refuses(t, views([inline], [data]), 'utf8', 'inline bytes of no character');
  t.end();
});

t.test('buffers of views that hold more than text are checked view by view', (t) => {
  const data = Uint8Array.from([0xff, ...text('0123456789abcdef'), 0xff]);
  accepts(t, views([view([16, '0123', 0, 1])], [data]), 'between');
  const from = view([17, '0123', 0, 1]);
  refuses(t, views([from], [data]), 'utf8', 'one byte too long');
  t.end();
});

t.test('null slots of views may hold anything', (t) => {
  const wild = view([2 ** 30, 'wild', 77, -5]);
  accepts(t, views([view('a'), wild, view('b')], [], '101'), 'no buffer');
  accepts(t, views([wild, view([13, '0123', 0, 0])], [text('0123456789abcdef')], '01'), 'a buffer');
  refuses(t, views([wild, wild], [], '01'), 'view', 'one that is not null');
  t.end();
});
