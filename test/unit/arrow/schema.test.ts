// Types and their parameters, children, names.
import { Field as FlatField } from 'apache-arrow/fb/field';
import { Message as FlatMessage } from 'apache-arrow/fb/message';
import { Schema as FlatSchema } from 'apache-arrow/fb/schema';
import * as arrow from 'apache-arrow';
import { Endianness } from 'apache-arrow/fb/endianness';
import { Type as FlatType } from 'apache-arrow/fb/type';
import { Builder } from 'flatbuffers';
import t, { type Test } from 'tap';
import { END_OF_STREAM, concat, field, schemaMessage } from '../../helpers/arrow/craft.js';
import { accepts, refusal, refuses } from '../../helpers/arrow/expect.js';

function whole(...fields: arrow.Field[]): Uint8Array {
  return concat(schemaMessage(fields), END_OF_STREAM);
}

/** A type whose parameters its class would not take. */
function odd(type: arrow.DataType, parameters: object): arrow.DataType {
  Object.assign(type, parameters);
  return type;
}

function refusesType(
  t: Test,
  type: arrow.DataType,
  name: string,
  reason: 'schema' | 'unsupported' = 'schema',
): void {
  refuses(t, whole(field('c', type)), reason, name);
}

t.test('refuses parameters that a type does not have', (t) => {
  for (const bits of [0, 1, 7, 24, 128, -8])
    refusesType(t, new arrow.Int(true, bits as 8), `int of ${bits} bits`);
  for (const precision of [-1, 3])
    refusesType(t, odd(new arrow.Float32(), { precision }), `float of precision ${precision}`);
  refusesType(t, new arrow.Date_(2 as never), 'date with unit 2');
  refusesType(t, new arrow.Time(arrow.TimeUnit.SECOND, 64), 'seconds in 64 bits');
  refusesType(t, new arrow.Time(arrow.TimeUnit.MICROSECOND, 32), 'microseconds in 32 bits');
  refusesType(t, new arrow.Time(4 as never, 64), 'time with unit 4');
  refusesType(t, new arrow.Timestamp(4 as never), 'timestamp with unit 4');
  refusesType(t, new arrow.Duration(-1 as never), 'duration with unit -1');
  refusesType(t, new arrow.Interval(3 as never), 'interval with unit 3');
  refusesType(t, new arrow.FixedSizeBinary(-1), 'binary of size -1');
  refusesType(t, new arrow.FixedSizeList(-1, field('item', new arrow.Int8())), 'lists of -1');
  for (const precision of [0, 39, -1]) {
    refusesType(t, new arrow.Decimal(0, precision, 128), `decimal of ${precision} digits`);
  }
  refusesType(t, new arrow.Decimal(0, 5, 100), 'decimal of 100 bits');
  t.end();
});

t.test('refuses what apache-arrow reads wrong', (t) => {
  for (const bits of [32, 64, 256]) {
    refusesType(t, new arrow.Decimal(0, 5, bits), `decimal of ${bits} bits`, 'unsupported');
  }
  const keys = new arrow.Int64() as unknown as arrow.Int32;
  refusesType(
    t,
    new arrow.Dictionary(new arrow.Utf8(), keys),
    'dictionary with 64-bit indices',
    'unsupported',
  );
  t.end();
});

t.test('apache-arrow reads decimals of 256 bits wrong', (t) => {
  // If this fails, apache-arrow has learned it, and the validator may accept them.
  const data = Uint32Array.of(1_000_000_000, 0, 0, 0, 0, 0, 0, 0);
  const vector = arrow.makeVector({ type: new arrow.Decimal(0, 40, 256), length: 1, data });
  t.not(String(vector.get(0)), '1000000000');
  t.end();
});

t.test('refuses unions whose type ids are not those of their children', (t) => {
  const children = [field('a', new arrow.Int8()), field('b', new arrow.Int8())];
  const union = (ids: number[]): arrow.DataType => new arrow.Union(arrow.UnionMode.Dense, ids, children);
  accepts(t, whole(field('c', union([0, 127]))), 'ids 0 and 127');
  refusesType(t, union([0]), 'too few ids');
  refusesType(t, union([0, 1, 2]), 'too many ids');
  refusesType(t, union([0, 0]), 'one id twice');
  refusesType(t, union([0, -1]), 'negative id');
  refusesType(t, union([0, 128]), 'id 128');
  t.end();
});

t.test('refuses the wrong number of children', (t) => {
  const a = field('a', new arrow.Int8());
  refusesType(t, odd(new arrow.Int32(), { children: [a] }), 'int with a child');
  refusesType(t, odd(new arrow.List(a), { children: [] }), 'list without a child');
  refusesType(t, odd(new arrow.List(a), { children: [a, a] }), 'list with two children');
  refusesType(t, odd(new arrow.FixedSizeList(2, a), { children: [] }), 'fixed-size list without a child');
  t.end();
});

t.test('refuses maps whose entries are not pairs', (t) => {
  const a = field('a', new arrow.Int8());
  const map = (entries: arrow.DataType): arrow.DataType =>
    odd(new arrow.Map_(field('e', new arrow.Struct([a, a])) as never), { children: [field('e', entries)] });
  accepts(t, whole(field('c', map(new arrow.Struct([a, field('b', new arrow.Int8())])))), 'a pair');
  refusesType(t, map(new arrow.Int8()), 'numbers');
  refusesType(t, map(new arrow.Struct([a])), 'a struct of one');
  refusesType(t, map(new arrow.Struct([a, field('b', a.type), field('d', a.type)])), 'a struct of three');
  const pairs = new arrow.Struct([a, field('b', new arrow.Int8())]);
  refusesType(t, map(new arrow.Dictionary(pairs, new arrow.Int8())), 'a dictionary');
  t.end();
});

t.test('refuses two columns of one name, in a table and in a struct', (t) => {
  const two = (name: string): arrow.Field[] => [field(name, new arrow.Int8()), field(name, new arrow.Utf8())];
  refuses(t, whole(...two('a')), 'name', 'in a table');
  refuses(t, whole(field('s', new arrow.Struct(two('a')))), 'name', 'in a struct');
  accepts(t, whole(...two('a').map((f, i) => field(`${f.name}${i}`, f.type as arrow.DataType))), 'two names');
  const union = new arrow.Union(arrow.UnionMode.Sparse, [0, 1], two('a'));
  accepts(t, whole(field('u', union)), 'in a union, where the names are never used');
  t.end();
});

t.test('refuses names that are equal to apache-arrow alone', (t) => {
  refuses(
    t,
    whole(field('a', new arrow.Int8()), field('\ufeffa', new arrow.Int8())),
    'name',
    'byte order mark',
  );
  refuses(t, whole(field('', new arrow.Int8()), field('null', new arrow.Int8())), 'name', 'no name at all');
  t.end();
});

t.test('refuses deep types and many columns', (t) => {
  const nest = (depth: number): Uint8Array => {
    let type: arrow.DataType = new arrow.Int8();
    for (let i = 1; i < depth; i++) type = new arrow.List(field('item', type));
    return whole(field('c', type));
  };
  accepts(t, nest(64), '64 levels');
  refuses(t, nest(65), 'limit', '65 levels');
  refuses(t, nest(500), 'limit', '500 levels');
  refuses(t, nest(4), 'limit', 'a limit of 3', { maxDepth: 3 });
  const wide = whole(...Array.from({ length: 10 }, (_, i) => field(`${i}`, new arrow.Int8())));
  t.equal(refusal(wide, { maxColumns: 10 }), undefined);
  refuses(t, wide, 'limit', '10 columns and a limit of 9', { maxColumns: 9 });
  refuses(t, nest(10), 'limit', '10 levels and a limit of 9 columns', { maxColumns: 9 });
  refuses(t, wide, 'limit', 'metadata', { maxMetadataBytes: 100 });
  t.end();
});

/** A stream without batches whose schema is put together here: fields that apache-arrow would not write. */
function rawSchema(fields: (b: Builder) => number[], more?: (b: Builder) => void, features: bigint[] = []) {
  const b = new Builder();
  const vector = FlatSchema.createFieldsVector(b, fields(b));
  const featureVector = FlatSchema.createFeaturesVector(b, features);
  FlatSchema.startSchema(b);
  FlatSchema.addFields(b, vector);
  FlatSchema.addFeatures(b, featureVector);
  more?.(b);
  const schema = FlatSchema.endSchema(b);
  FlatMessage.startMessage(b);
  FlatMessage.addVersion(b, arrow.MetadataVersion.V5);
  FlatMessage.addHeaderType(b, arrow.MessageHeader.Schema);
  FlatMessage.addHeader(b, schema);
  FlatMessage.finishMessageBuffer(b, FlatMessage.endMessage(b));
  const metadata = b.asUint8Array();
  const padding = new Uint8Array(-metadata.length & 7);
  const prefix = new Uint8Array(Int32Array.of(-1, metadata.length + padding.length).buffer);
  return concat(prefix, metadata, padding, END_OF_STREAM);
}

/** A field of a type, given by its number, whose table has nothing in it. */
function bareField(b: Builder, type: FlatType, withTable = true): number {
  const name = b.createString('c');
  b.startObject(0);
  const table = b.endObject();
  FlatField.startField(b);
  FlatField.addName(b, name);
  FlatField.addTypeType(b, type);
  if (withTable) FlatField.addType(b, table);
  return FlatField.endField(b);
}

t.test('refuses big-endian tables, which apache-arrow reads as if they were not', (t) => {
  accepts(
    t,
    rawSchema(() => []),
    'nothing said',
  );
  refuses(t, rawSchema(() => [], (b) => { FlatSchema.addEndianness(b, Endianness.Big); }), 'endianness', 'big-endian'); // prettier-ignore
  t.end();
});

t.test('refuses features that it does not know', (t) => {
  accepts(
    t,
    rawSchema(() => [], undefined, [0n, 1n, 2n]),
    'the known ones',
  );
  for (const feature of [3n, 2n ** 40n, -1n]) {
    refuses(
      t,
      rawSchema(() => [], undefined, [feature]),
      'unsupported',
      `feature ${feature}`,
    );
  }
  t.end();
});

t.test('refuses types that apache-arrow does not know, and those that nobody knows', (t) => {
  const withType = (type: FlatType, withTable?: boolean): Uint8Array =>
    rawSchema((b) => [bareField(b, type, withTable)]);
  accepts(t, withType(FlatType.Bool), 'a boolean');
  refuses(t, withType(FlatType.Bool, false), 'schema', 'a boolean without its table');
  refuses(t, withType(FlatType.RunEndEncoded), 'unsupported', 'run-end encoding');
  refuses(t, withType(FlatType.ListView), 'unsupported', 'list view');
  refuses(t, withType(FlatType.LargeListView), 'unsupported', 'large list view');
  refuses(t, withType(FlatType.NONE), 'schema', 'no type');
  refuses(t, withType(27 as never), 'schema', 'type 27');
  refuses(t, withType(255 as never), 'schema', 'type 255');
  refuses(t, withType(FlatType.Union), 'unsupported', 'a union without type ids');
  t.end();
});
