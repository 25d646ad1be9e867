import { fail } from './errors.js';
import type { Table } from './flatbuffer.js';

/** Numbers of the union `Type` in the format's Schema.fbs. */
const TYPE_NAMES = [
  'none', 'null', 'int', 'float', 'binary', 'utf8', 'bool', 'decimal', 'date', 'time', 'timestamp', 'interval',
  'list', 'struct', 'union', 'fixed-size-binary', 'fixed-size-list', 'map', 'duration', 'large-binary', 'large-utf8',
  'large-list', 'run-end-encoded', 'binary-view', 'utf8-view', 'list-view', 'large-list-view',
] as const; // prettier-ignore

/** What has to hold for each value of a type of fixed width, other than being there. */
export type ValueRule =
  | { readonly rule: 'time'; readonly width: 4 | 8; readonly limit: number }
  | { readonly rule: 'safe'; readonly scale: 1 | 1000 }
  | { readonly rule: 'decimal'; readonly precision: number };

/** How the values of a type are laid out, with everything that the checks need to know. */
export type Layout =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'fixed'; readonly width: number; readonly rule?: ValueRule }
  | { readonly kind: 'binary'; readonly wide: boolean; readonly utf8: boolean }
  | { readonly kind: 'view'; readonly utf8: boolean }
  | { readonly kind: 'list'; readonly wide: boolean; readonly map: boolean }
  | { readonly kind: 'fixed-list'; readonly size: number }
  | { readonly kind: 'struct' }
  | { readonly kind: 'union'; readonly dense: boolean; readonly ids: readonly number[] };

export interface ArrowType {
  readonly layout: Layout;
  /** The type and its parameters in words. Types are the same if and only if these are. */
  readonly name: string;
}

/** Reads the type of a field: its number in the union and the table with its parameters. */
export function readType(
  number: number,
  table: Table | undefined,
  position: number,
  path: string,
): ArrowType {
  const name = TYPE_NAMES[number];
  if (name === undefined || name === 'none') fail('schema', `Unknown type ${number}`, position, path);
  if (table === undefined) fail('schema', `Type ${name} without its table`, position, path);
  const bad = (what: string): never => fail('schema', `${name} with ${what}`, table.position, path);

  switch (name) {
    case 'null':
      return { name, layout: { kind: 'null' } };
    case 'bool':
      return { name, layout: { kind: 'bool' } };
    case 'int':
      return readInt(table, path);
    case 'float': {
      const precision = table.int16(0);
      if (precision < 0 || precision > 2) bad(`precision ${precision}`);
      return fixed(`${name}:${precision}`, 2 << precision);
    }
    case 'decimal':
      return readDecimal(table, path);
    case 'date': {
      const unit = table.int16(0, 1);
      if (unit !== 0 && unit !== 1) bad(`unit ${unit}`);
      // The format wants milliseconds to be whole days, but apache-arrow writes any Date like this.
      return unit === 0 ? fixed(`${name}:0`, 4) : fixed(`${name}:1`, 8, { rule: 'safe', scale: 1 });
    }
    case 'time': {
      const unit = table.int16(0, 1);
      const bits = table.int32(1, 32);
      if (unit < 0 || unit > 3 || bits !== (unit < 2 ? 32 : 64)) bad(`unit ${unit} and ${bits} bits`);
      const width = unit < 2 ? 4 : 8;
      return fixed(`${name}:${unit}`, width, { rule: 'time', width, limit: 86_400 * 1000 ** unit });
    }
    case 'timestamp': {
      const unit = table.int16(0);
      if (unit < 0 || unit > 3) bad(`unit ${unit}`);
      // apache-arrow turns timestamps into milliseconds, as numbers, and throws where they aren't exact.
      const rule: ValueRule | undefined = unit < 3 ? { rule: 'safe', scale: unit < 2 ? 1 : 1000 } : undefined;
      return fixed(`${name}:${unit}:${table.string(1) ?? ''}`, 8, rule);
    }
    case 'duration': {
      const unit = table.int16(0, 1);
      if (unit < 0 || unit > 3) bad(`unit ${unit}`);
      return fixed(`${name}:${unit}`, 8);
    }
    case 'interval': {
      const unit = table.int16(0);
      if (unit < 0 || unit > 2) bad(`unit ${unit}`);
      return fixed(`${name}:${unit}`, 4 << unit);
    }
    case 'fixed-size-binary': {
      const width = table.int32(0);
      if (width < 0) bad(`width ${width}`);
      return fixed(`${name}:${width}`, width);
    }
    case 'binary':
    case 'utf8':
      return { name, layout: { kind: 'binary', wide: false, utf8: name === 'utf8' } };
    case 'large-binary':
    case 'large-utf8':
      return { name, layout: { kind: 'binary', wide: true, utf8: name === 'large-utf8' } };
    case 'binary-view':
    case 'utf8-view':
      return { name, layout: { kind: 'view', utf8: name === 'utf8-view' } };
    case 'list':
    case 'large-list':
      return { name, layout: { kind: 'list', wide: name === 'large-list', map: false } };
    case 'map':
      return { name: `${name}:${table.bool(0)}`, layout: { kind: 'list', wide: false, map: true } };
    case 'fixed-size-list': {
      const size = table.int32(0);
      if (size < 0) bad(`size ${size}`);
      return { name: `${name}:${size}`, layout: { kind: 'fixed-list', size } };
    }
    case 'struct':
      return { name, layout: { kind: 'struct' } };
    case 'union':
      return readUnion(table, path);
    case 'run-end-encoded':
    case 'list-view':
    case 'large-list-view':
      return fail('unsupported', `apache-arrow can't read ${name}`, position, path);
  }
}

function fixed(name: string, width: number, rule?: ValueRule): ArrowType {
  return { name, layout: rule === undefined ? { kind: 'fixed', width } : { kind: 'fixed', width, rule } };
}

/** An integer type, which is also the type of a dictionary's indices. */
export function readInt(table: Table, path: string): ArrowType {
  const bits = table.int32(0);
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) {
    fail('schema', `int with ${bits} bits`, table.position, path);
  }
  return fixed(`${table.bool(1) ? 'int' : 'uint'}:${bits}`, bits / 8);
}

function readDecimal(table: Table, path: string): ArrowType {
  const precision = table.int32(0);
  const scale = table.int32(1);
  const bits = table.int32(2, 128);
  if (bits !== 32 && bits !== 64 && bits !== 128 && bits !== 256) {
    fail('schema', `decimal with ${bits} bits`, table.position, path);
  }
  // apache-arrow 21 throws on 32 bits, prints the wrong sign on 64 and the wrong digits on 256.
  if (bits !== 128)
    fail('unsupported', `apache-arrow reads decimals of ${bits} bits wrong`, table.position, path);
  if (precision < 1 || precision > 38)
    fail('schema', `decimal with precision ${precision}`, table.position, path);
  return fixed(`decimal:${precision}:${scale}`, 16, { rule: 'decimal', precision });
}

function readUnion(table: Table, path: string): ArrowType {
  const mode = table.int16(0);
  if (mode !== 0 && mode !== 1) fail('schema', `union of mode ${mode}`, table.position, path);
  // Without a list, the ids are the children's numbers; but then apache-arrow finds no child at all.
  if (!table.has(1))
    fail('unsupported', "apache-arrow can't read a union without type ids", table.position, path);
  const { position, length } = table.vector(1, 4);
  if (length > 128) fail('schema', `union with ${length} type ids`, position, path);
  const ids: number[] = [];
  for (let i = 0; i < length; i++) {
    const id = table.buffer.view.getInt32(position + 4 * i, true);
    if (id < 0 || id > 127 || ids.includes(id))
      fail('schema', `union with type id ${id}`, position + 4 * i, path);
    ids.push(id);
  }
  return {
    name: `union:${mode === 1 ? 'dense' : 'sparse'}:${ids.join()}`,
    layout: { kind: 'union', dense: mode === 1, ids },
  };
}
