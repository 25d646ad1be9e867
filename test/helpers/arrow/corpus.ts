import * as flechette from '@uwdata/flechette';
import * as arrow from 'apache-arrow';

/** One file or stream of a type, made by one writer. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const day = 86_400_000;
const texts = [
  '',
  'a',
  'naïve',
  '€uro',
  '𝒳 marks',
  'longer than twelve bytes',
  'plain',
  'zebra',
  'no',
  'yes',
];
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function field<T extends arrow.DataType>(name: string, type: T, nullable = true): arrow.Field<T> {
  return new arrow.Field(name, type, nullable);
}

function ints(): Record<string, arrow.Vector> {
  const small = [0, 1, -2, 127, null, -128, 5];
  const unsigned = [0, 1, 2, 255, null, 128, 5];
  const big = [0n, 1n, -2n, 2n ** 62n, null, -(2n ** 63n), 5n];
  return {
    int8: arrow.vectorFromArray(small, new arrow.Int8()),
    int16: arrow.vectorFromArray(small, new arrow.Int16()),
    int32: arrow.vectorFromArray(small, new arrow.Int32()),
    int64: arrow.vectorFromArray(big, new arrow.Int64()),
    uint8: arrow.vectorFromArray(unsigned, new arrow.Uint8()),
    uint16: arrow.vectorFromArray(unsigned, new arrow.Uint16()),
    uint32: arrow.vectorFromArray(unsigned, new arrow.Uint32()),
    uint64: arrow.vectorFromArray(
      big.map((x) => (x === null ? x : BigInt.asUintN(64, x))),
      new arrow.Uint64(),
    ),
    plain: arrow.vectorFromArray([1, 2, 3, 4, 5, 6, 7], new arrow.Int32()),
  };
}

function simple(): Record<string, arrow.Vector> {
  const floats = [0, -0, 1.5, NaN, null, -Infinity, 65504];
  return {
    null: arrow.vectorFromArray([null, null, null, null, null, null, null], new arrow.Null()),
    bool: arrow.vectorFromArray([true, false, null, true, true, false, null], new arrow.Bool()),
    float16: arrow.vectorFromArray(floats, new arrow.Float16()),
    float32: arrow.vectorFromArray(floats, new arrow.Float32()),
    float64: arrow.vectorFromArray(floats, new arrow.Float64()),
    decimal: arrow.makeVector({
      type: new arrow.Decimal(2, 10, 128),
      length: 7,
      nullCount: 1,
      nullBitmap: Uint8Array.of(0b1101111),
      data: Uint32Array.from({ length: 28 }, (_, i) => (i < 4 ? 0xffffffff : i % 4 === 0 ? i * 1000 : 0)),
    }),
    fixedSizeBinary: arrow.vectorFromArray(
      [0, 1, 2, 3, null, 5, 6].map((x) => (x === null ? x : Uint8Array.of(x, x, x))),
      new arrow.FixedSizeBinary(3),
    ),
  };
}

function strings(): Record<string, arrow.Vector> {
  const values = [...texts.slice(0, 6), null];
  const binary = values.map((text) => (text === null ? null : bytesOf(text)));
  return {
    utf8: arrow.vectorFromArray(values, new arrow.Utf8()),
    largeUtf8: arrow.vectorFromArray(values, new arrow.LargeUtf8()),
    utf8View: arrow.vectorFromArray(values, new arrow.Utf8View()),
    binary: arrow.vectorFromArray(binary, new arrow.Binary()),
    largeBinary: arrow.vectorFromArray(binary, new arrow.LargeBinary()),
    binaryView: arrow.vectorFromArray(binary, new arrow.BinaryView()),
    ascii: arrow.vectorFromArray(['a', 'bc', 'def', null, '', 'ghij', 'k'], new arrow.Utf8()),
  };
}

function temporal(): Record<string, arrow.Vector> {
  const dates = [0, day, -day, 365 * day, null, 2e12, 10 * day];
  const seconds = [0, 1, 86_399, 3600, null, 7200, 60];
  const times = seconds.map((x) => (x === null ? x : BigInt(x)));
  const durations = [0n, 1n, -1n, 2n ** 60n, null, 5n, 6n];
  const intervals = (unit: arrow.IntervalUnit, width: number): arrow.Vector =>
    arrow.makeVector({
      type: new arrow.Interval(unit),
      length: 7,
      data: Int32Array.from({ length: 7 * width }, (_, i) => i - 5),
    });
  return {
    dateDay: arrow.vectorFromArray(dates, new arrow.DateDay()),
    dateMillisecond: arrow.vectorFromArray(dates, new arrow.DateMillisecond()),
    timeSecond: arrow.vectorFromArray(seconds, new arrow.TimeSecond()),
    timeMillisecond: arrow.vectorFromArray(seconds, new arrow.TimeMillisecond()),
    timeMicrosecond: arrow.vectorFromArray(times, new arrow.TimeMicrosecond()),
    timeNanosecond: arrow.vectorFromArray(times, new arrow.TimeNanosecond()),
    timestampSecond: arrow.vectorFromArray(dates, new arrow.TimestampSecond()),
    timestampMillisecond: arrow.vectorFromArray(dates, new arrow.TimestampMillisecond('Europe/Berlin')),
    timestampMicrosecond: arrow.vectorFromArray(dates, new arrow.TimestampMicrosecond()),
    timestampNanosecond: arrow.vectorFromArray(dates, new arrow.TimestampNanosecond()),
    timestampSecondZoned: arrow.vectorFromArray(dates, new arrow.TimestampSecond('UTC')),
    timestampMicrosecondZoned: arrow.vectorFromArray(dates, new arrow.TimestampMicrosecond('+05:30')),
    timestampNanosecondZoned: arrow.vectorFromArray(dates, new arrow.TimestampNanosecond('Asia/Kolkata')),
    durationMillisecond: arrow.vectorFromArray(durations, new arrow.DurationMillisecond()),
    durationMicrosecond: arrow.vectorFromArray(durations, new arrow.DurationMicrosecond()),
    durationSecond: arrow.vectorFromArray(durations, new arrow.DurationSecond()),
    durationNanosecond: arrow.vectorFromArray(durations, new arrow.DurationNanosecond()),
    intervalYearMonth: intervals(arrow.IntervalUnit.YEAR_MONTH, 1),
    intervalDayTime: intervals(arrow.IntervalUnit.DAY_TIME, 2),
    intervalMonthDayNano: intervals(arrow.IntervalUnit.MONTH_DAY_NANO, 4),
  };
}

function nested(): Record<string, arrow.Vector> {
  const lists = [[1, 2], [], null, [3], [null, 4], [5, 6, 7], [8]];
  const person = new arrow.Struct([field('name', new arrow.Utf8()), field('age', new arrow.Int8())]);
  const people = texts.slice(0, 7).map((name, i) => (i === 3 ? null : { name, age: i === 2 ? null : i }));
  const entries = new arrow.Struct<{ key: arrow.Utf8; value: arrow.Int32 }>([
    field('key', new arrow.Utf8(), false),
    field('value', new arrow.Int32()),
  ]);
  const maps = [0, 1, 2, null, 1, 0, 3].map((n) =>
    n === null ? null : new Map(texts.slice(1, n + 1).map((text, i) => [text, i === 1 ? null : i])),
  );
  return {
    list: arrow.vectorFromArray(lists, new arrow.List(field('item', new arrow.Int16()))),
    largeList: arrow.vectorFromArray(lists, new arrow.LargeList(field('item', new arrow.Uint16()))),
    listOfList: arrow.vectorFromArray(
      lists.map((list) => list && [list, list]),
      new arrow.List(field('item', new arrow.List(field('item', new arrow.Float64())))),
    ),
    listOfText: arrow.vectorFromArray(
      lists.map((list) => list?.map(String) ?? null),
      new arrow.List(field('item', new arrow.Utf8())),
    ),
    listOfNull: arrow.vectorFromArray(
      lists.map((list) => list?.map(() => null) ?? null),
      new arrow.List(field('item', new arrow.Null())),
    ),
    fixedSizeList: arrow.vectorFromArray(
      [[1, 2], [3, 4], null, [5, 6], [7, null], [8, 9], [0, 0]],
      new arrow.FixedSizeList(2, field('item', new arrow.Int32())),
    ),
    struct: arrow.vectorFromArray(people, person),
    structOfStruct: arrow.vectorFromArray(
      people.map((inner) => ({ inner })),
      new arrow.Struct([field('inner', person)]),
    ),
    map: arrow.vectorFromArray(maps, new arrow.Map_(new arrow.Field('entries', entries))),
  };
}

function union(mode: arrow.UnionMode): arrow.Vector {
  const dense = mode === arrow.UnionMode.Dense;
  const type = new arrow.Union(
    mode,
    [3, 7],
    [field('number', new arrow.Int32()), field('text', new arrow.Utf8())],
  );
  const typeIds = Int8Array.of(3, 7, 7, 3, 3, 7, 3);
  const numbers = [1, null, 2, 3, 4, null, 5];
  const data = arrow.makeData({
    type,
    length: 7,
    nullCount: 0,
    typeIds,
    valueOffsets: dense ? Int32Array.of(0, 0, 1, 1, 2, 2, 3) : undefined,
    children: [
      arrow.vectorFromArray(dense ? numbers.slice(0, 4) : numbers, new arrow.Int32()).data[0]!,
      arrow.vectorFromArray(texts.slice(0, dense ? 3 : 7), new arrow.Utf8()).data[0]!,
    ],
  } as unknown as Parameters<typeof arrow.makeData>[0]);
  return new arrow.Vector([data]);
}

function encoded(): Record<string, arrow.Vector> {
  const values = ['red', 'green', null, 'red', 'blue', 'red', 'grün'];
  const encode = (keys: arrow.Int8 | arrow.Uint8 | arrow.Int16 | arrow.Uint16 | arrow.Int32 | arrow.Uint32) =>
    arrow.vectorFromArray(values, new arrow.Dictionary(new arrow.Utf8(), keys));
  // A dictionary of lists of texts that are dictionary-encoded themselves.
  const inner = encode(new arrow.Int8());
  const list = arrow.makeData({
    type: new arrow.List(field('item', inner.type as arrow.DataType)),
    length: 3,
    nullCount: 0,
    valueOffsets: Int32Array.of(0, 2, 2, 7),
    child: inner.data[0]!,
  });
  const outer = arrow.makeData({
    type: new arrow.Dictionary(list.type, new arrow.Uint8()),
    length: 7,
    nullCount: 0,
    data: Uint8Array.of(2, 0, 1, 2, 2, 0, 1),
    dictionary: new arrow.Vector([list]),
  });
  return {
    dictionaryInt8: encode(new arrow.Int8()),
    dictionaryUint8: encode(new arrow.Uint8()),
    dictionaryInt16: encode(new arrow.Int16()),
    dictionaryUint16: encode(new arrow.Uint16()),
    dictionaryInt32: encode(new arrow.Int32()),
    dictionaryUint32: encode(new arrow.Uint32()),
    dictionaryOfNumbers: arrow.vectorFromArray(
      [1.5, 2.5, 1.5, null, 2.5, 1.5, 3.5],
      new arrow.Dictionary(new arrow.Float64(), new arrow.Int16()),
    ),
    dictionaryNested: new arrow.Vector([outer]),
    denseUnion: union(arrow.UnionMode.Dense),
    sparseUnion: union(arrow.UnionMode.Sparse),
  };
}

/** Every type that apache-arrow can write, seven rows of each. */
export function columns(): Record<string, arrow.Vector> {
  return { ...ints(), ...simple(), ...strings(), ...temporal(), ...nested(), ...encoded() };
}

/** Two batches of one dictionary column: the second has the first one's dictionary with a value added, or another one. */
export function twoDictionaries(how: 'delta' | 'replacement'): arrow.Table {
  const text = (values: string[]): arrow.Vector<arrow.Utf8> =>
    arrow.vectorFromArray(values, new arrow.Utf8());
  const first = text(['red', 'green']);
  const second = how === 'delta' ? first.concat(text(['blue'])) : text(['cyan', 'magenta', 'yellow']);
  const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8());
  const schema = new arrow.Schema([field('color', type)]);
  const batch = (dictionary: arrow.Vector<arrow.Utf8>, indices: number[]): arrow.RecordBatch => {
    const data = arrow.makeData({ type, length: indices.length, data: Int8Array.from(indices), dictionary });
    const children = [data];
    const rows = arrow.makeData({ type: new arrow.Struct(schema.fields), length: indices.length, children });
    return new arrow.RecordBatch(schema, rows);
  };
  return new arrow.Table(schema, [batch(first, [0, 1, 0]), batch(second, [2, 1, 0])]);
}

function manyBatches(): arrow.Table {
  const make = (from: number): arrow.Table =>
    new arrow.Table({
      n: arrow.vectorFromArray([from, null, from + 2], new arrow.Int32()),
      s: arrow.vectorFromArray([null, 'x'.repeat(from), 'ü'], new arrow.Utf8()),
    });
  return make(0).concat(make(3), make(6), make(9));
}

function countOnly(rows: number): arrow.Table {
  const data = arrow.makeData({ type: new arrow.Struct([]), length: rows, nullCount: 0, children: [] });
  return new arrow.Table(new arrow.Schema([]), [new arrow.RecordBatch(new arrow.Schema([]), data)]);
}

/** Tables that are special in another way than by a type. */
export function tables(): Record<string, arrow.Table> {
  const all = new arrow.Table(columns());
  // apache-arrow 21 can't write views of a part of a table: it skips the rows before the part twice.
  const withoutViews = all.select(Object.keys(columns()).filter((name) => !name.endsWith('View')));
  const withMetadata = new arrow.Schema(
    [new arrow.Field('a', new arrow.Int32(), true, new Map([['unit', 'km']]))],
    new Map([['made by', 'a test']]),
  );
  return {
    all,
    sliced: withoutViews.slice(2, 6),
    sliced3: withoutViews.slice(3, 5),
    noRows: all.slice(0, 0),
    noBatches: new arrow.Table(all.schema, []),
    noColumns: countOnly(3),
    nothing: new arrow.Table(new arrow.Schema([]), []),
    metadata: new arrow.Table(
      withMetadata,
      new arrow.Table({ a: arrow.vectorFromArray([1, null], new arrow.Int32()) }).batches.map(
        ({ data }) => new arrow.RecordBatch(withMetadata, data, new Map([['batch', '1']])),
      ),
    ),
    batches: manyBatches(),
    delta: twoDictionaries('delta'),
  };
}

/** Everything that apache-arrow can write. */
export function apacheSamples(): Sample[] {
  const samples: Sample[] = [];
  const add = (name: string, table: arrow.Table, formats: readonly ('file' | 'stream')[]): void => {
    for (const format of formats) {
      samples.push({ name: `apache-arrow ${name} ${format}`, bytes: arrow.tableToIPC(table, format) });
    }
  };
  for (const [name, column] of Object.entries(columns())) {
    add(name, new arrow.Table({ [name]: column }), ['stream', 'file']);
  }
  for (const [name, table] of Object.entries(tables())) add(name, table, ['stream', 'file']);
  add('replacement', twoDictionaries('replacement'), ['stream']);
  return samples;
}

/** The same by an implementation that has no code in common with apache-arrow. */
export function flechetteSamples(): Sample[] {
  const f = flechette;
  const numbers = [1, 2, null, 4, 5];
  const days = [0, day, null, 2 * day, -day];
  const lists = [[1, 2], [], null, [3], [4, 5]];
  const types: Record<string, [flechette.DataType, readonly unknown[]]> = {
    null: [f.nullType(), [null, null, null]],
    bool: [f.bool(), [true, false, null, true]],
    int8: [f.int8(), numbers],
    int16: [f.int16(), numbers],
    uint8: [f.uint8(), numbers],
    uint32: [f.uint32(), numbers],
    uint64: [f.uint64(), numbers.map((x) => (x === null ? x : BigInt(x)))],
    uint16: [f.uint16(), numbers],
    int32: [f.int32(), numbers],
    int64: [f.int64(), numbers.map((x) => (x === null ? x : BigInt(x)))],
    float16: [f.float16(), numbers],
    float32: [f.float32(), numbers],
    float64: [f.float64(), numbers],
    decimal: [f.decimal128(18, 3), numbers],
    utf8: [f.utf8(), [...texts, null]],
    largeUtf8: [f.largeUtf8(), [...texts, null]],
    binary: [f.binary(), [...texts.map(bytesOf), null]],
    largeBinary: [f.largeBinary(), [...texts.map(bytesOf), null]],
    fixedSizeBinary: [f.fixedSizeBinary(2), [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)]],
    dateDay: [f.dateDay(), days],
    dateMillisecond: [f.dateMillisecond(), days],
    timeSecond: [f.timeSecond(), numbers],
    timeMillisecond: [f.timeMillisecond(), numbers],
    timeMicrosecond: [f.timeMicrosecond(), numbers.map((x) => (x === null ? x : BigInt(x)))],
    timeNanosecond: [f.timeNanosecond(), numbers.map((x) => (x === null ? x : BigInt(x)))],
    timestampSecond: [f.timestamp(f.TimeUnit.SECOND), days],
    timestampMillisecond: [f.timestamp(f.TimeUnit.MILLISECOND, 'Europe/Berlin'), days],
    timestampNanosecond: [f.timestamp(f.TimeUnit.NANOSECOND, '+05:30'), days],
    timestamp: [f.timestamp(f.TimeUnit.MICROSECOND, 'UTC'), days],
    duration: [f.duration(), numbers.map((x) => (x === null ? x : BigInt(x)))],
    interval: [f.interval(f.IntervalUnit.YEAR_MONTH), numbers],
    intervalDayTime: [f.interval(f.IntervalUnit.DAY_TIME), [[1, 2], null, [3, 4]]],
    intervalMonthDayNano: [f.interval(f.IntervalUnit.MONTH_DAY_NANO), [[1, 2, 3n], null, [-3, 4, 5n]]],
    listOfStruct: [f.list(f.struct({ a: f.int32(), b: f.utf8() })), [[{ a: 1, b: 'x' }], null, [], [{ a: 2, b: null }]]], // prettier-ignore
    structOfList: [f.struct({ a: f.list(f.float64()) }), [{ a: [1, 2] }, { a: null }, null]],
    dictionaryOfNumbers: [f.dictionary(f.float64(), f.uint8()), [1.5, 2.5, null, 1.5]],
    list: [f.list(f.int32()), lists],
    largeList: [f.largeList(f.int32()), lists],
    fixedSizeList: [f.fixedSizeList(f.int8(), 2), [[1, 2], null, [3, 4]]],
    struct: [f.struct({ a: f.int32(), b: f.utf8() }), [{ a: 1, b: 'x' }, null, { a: null, b: '€' }]],
    map: [f.map(f.utf8(), f.int32()), [[['a', 1]], null, [], [['b', 2], ['c', null]]]], // prettier-ignore
    dictionary: [f.dictionary(f.utf8(), f.int16()), ['a', 'b', null, 'a']],
    denseUnion: [f.union(f.UnionMode.Dense, [f.int32(), f.utf8()], [1, 2], (x) => (typeof x === 'string' ? 2 : 1)), [1, 'x', 2, 'y']], // prettier-ignore
    sparseUnion: [f.union(f.UnionMode.Sparse, [f.int32(), f.utf8()], [1, 2], (x) => (typeof x === 'string' ? 2 : 1)), [1, 'x', 2, 'y']], // prettier-ignore
  };
  return Object.entries(types).flatMap(([name, [type, values]]) => {
    const table = f.tableFromColumns({ [name]: f.columnFromArray(values as unknown[], type) });
    return (['stream', 'file'] as const).map((format) => {
      const bytes = f.tableToIPC(table, { format });
      if (bytes === null) throw new Error(`flechette wrote nothing for ${name}`);
      return { name: `flechette ${name} ${format}`, bytes };
    });
  });
}

export function samples(): Sample[] {
  return [...apacheSamples(), ...flechetteSamples()];
}
