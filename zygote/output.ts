/** Writes the tables of a result to the memfd that the host made for them. */
import fs from 'node:fs';
import type { Table } from 'apache-arrow';
import { ValueTooLargeError } from '../protocol/errors.js';
import type { OutputTable } from '../protocol/messages.js';

type Encode = (table: Table, format: 'file') => Uint8Array;

const ALIGNMENT = 64;

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength;) {
    done += fs.writeSync(fd, bytes, done, bytes.byteLength - done, position + done);
  }
}

/** @throws {ValueTooLargeError} for more than `maxBytes` in all */
export function writeTables(
  fd: number,
  tables: readonly (readonly [string, Table])[],
  maxBytes: number,
  encode: Encode,
): OutputTable[] {
  let offset = 0;
  return tables.map(([name, table]) => {
    const bytes = encode(table, 'file');
    const place = { name, offset, length: bytes.byteLength };
    if (offset + bytes.byteLength > maxBytes)
      throw new ValueTooLargeError(`tables.${name}`, 'maxTableBytes', maxBytes);
    writeFully(fd, bytes, offset);
    offset = Math.ceil((offset + bytes.byteLength) / ALIGNMENT) * ALIGNMENT;
    return place;
  });
}
