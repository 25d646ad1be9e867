/**
 * Loads the code that the Thrift compiler made.
 *
 * That code asks for the whole of npm thrift, which is 42 files with clients and servers for HTTP and WebSocket, and
 * uses one of them. In the zygote that would cost every child 2.5 MB of heap, and `uuid`, which comes with it and
 * keeps a pool of random bytes. So it gets that one file, without a change to the generated code and without a trace
 * in `require.cache`, where user code would find it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import type * as types from './gen/protocol_types.js';
import type { BinaryWriter } from './binary-writer.js';
import type { ValueEncoder } from './encode-value.js';

export type Generated = typeof types;

function loadGenerated(): Generated {
  const filename = join(__dirname, 'gen', 'protocol_types.js');
  const runtime = createRequire(filename).resolve('thrift/lib/nodejs/lib/thrift/thrift.js');
  // From there, so that node-int64, a dependency of thrift's, is found wherever npm put it.
  const requireNearThrift = createRequire(runtime);
  const requireLight = (id: string): unknown =>
    id === 'thrift' ? { Thrift: requireNearThrift(runtime) as unknown } : requireNearThrift(id);
  const module = { exports: {} };
  const run = compileFunction(readFileSync(filename, 'utf8'), ['require', 'module', 'exports'], {
    filename,
  }) as (...args: unknown[]) => void;
  run(requireLight, module, module.exports);
  return module.exports as Generated;
}

export const generated: Generated = loadGenerated();

/** Writes a struct. The compiler's TypeScript declarations leave this method out. */
export function writeStruct(struct: object, writer: BinaryWriter): void {
  (struct as { write(output: BinaryWriter): void }).write(writer);
}

/**
 * Stands for a generated Value, and writes a plain one when its turn comes: a tree of generated objects, ten fields
 * each, would cost several times the time and memory of everything else.
 */
export function lazyValue(value: unknown, root: string, encoder: ValueEncoder): types.Value {
  const lazy: unknown = {
    write() {
      encoder.encode(value, root);
    },
  };
  return lazy as types.Value;
}

/** The declarations want npm's Int64 for an i64; the generated code hands on whatever it has, and the writer takes a number. */
export function asInt64(value: number): types.InputTable['length'] {
  return value as unknown as types.InputTable['length'];
}
