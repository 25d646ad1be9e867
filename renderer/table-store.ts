/**
 * Tables by their contents. Each lies once in sealed memory that children map, or in a file of the cache until a child is
 * given it. What nobody holds is kept in memory as far as there is room. Where descriptors get short, of which memory and
 * files have one each, small tables are moved to the memory of this process until a child needs them.
 */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { SharedTable, type TableInput } from '../lib/index.js';
import { native } from '../lib/native.js';
import { isOutOfFiles, maxOpenFiles } from '../lib/open-files.js';
import { holdRange, memoryBytesOf } from '../lib/shared-table.js';
import { forgetAllMemory } from '../lib/table-memory.js';
import { TableGoneError } from './errors.js';

/** How much is hashed before others have a turn. */
const HASH_BYTES = 8 * 1024 * 1024;

/** Each one that is kept has a descriptor: not more than a part of those that the process can have. */
const MOST_IDLE = Math.min(256, Math.floor(maxOpenFiles() / 8));

/** Of all tables, also those of reports that live: with more of them, small ones are moved. */
const MOST_OPEN = Math.floor(maxOpenFiles() / 4);

/** What is larger stays where it lies. */
const MOST_MOVED_BYTES = 64 * 1024;

export async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let done = 0; done < bytes.byteLength; done += HASH_BYTES) {
    if (done > 0) await new Promise(setImmediate);
    hash.update(bytes.subarray(done, done + HASH_BYTES));
  }
  return hash.digest('hex');
}

/** The bytes of a table where they lie; what is written to them is seen by nobody else. */
function map(shared: SharedTable): Uint8Array {
  const range = holdRange(shared, 'table');
  if (range === undefined) throw new TableGoneError('the table was disposed of');
  const { memory, offset, length } = range;
  try {
    return new Uint8Array(native.mapPrivate(memory.fd, offset + length), offset, length);
  } finally {
    memory.release();
  }
}

/** What is in the memory of a descriptor, as a copy. */
function read(fd: number, offset: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) return undefined;
    done += count;
  }
  return bytes;
}

type Place =
  /** SECURITY: counted by what the memory takes, and not the table, which a child may have made less of. */
  | { readonly shared: SharedTable; readonly memoryBytes: number }
  | { readonly file: FileHandle }
  /** Without a descriptor. */
  | { readonly bytes: Uint8Array };

function inMemory(shared: SharedTable): Place {
  return { shared, memoryBytes: memoryBytesOf(shared) };
}

/** A table that somebody holds. Each hold is to be released once. */
export class StoredTable {
  readonly hash: string;
  readonly byteLength: number;
  readonly #store: TableStore;
  #place: Place;
  #loading: Promise<SharedTable> | undefined;
  /** Who needs it where it lies. */
  #users = 0;
  holders = 0;

  constructor(store: TableStore, hash: string, byteLength: number, place: Place) {
    this.#store = store;
    this.hash = hash;
    this.byteLength = byteLength;
    this.#place = place;
  }

  get isInMemory(): boolean {
    return !('file' in this.#place);
  }

  get hasDescriptor(): boolean {
    return !('bytes' in this.#place);
  }

  get memoryBytes(): number {
    return 'shared' in this.#place ? this.#place.memoryBytes : 0;
  }

  hold(): this {
    this.#store.held(this);
    return this;
  }

  release(): void {
    this.#store.released(this);
  }

  /** Is given the table as children are, which stays where it lies until the end. */
  async use<T>(then: (shared: SharedTable) => T | Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await then(await this.#shared());
    } finally {
      this.#users--;
    }
  }

  /** The bytes where they lie. */
  async bytes(): Promise<Uint8Array> {
    const place = this.#place;
    return 'bytes' in place ? place.bytes.slice() : this.use(map);
  }

  async #shared(): Promise<SharedTable> {
    const place = this.#place;
    if ('shared' in place) return place.shared;
    this.#loading ??= this.#load(place).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(place: Exclude<Place, { readonly shared: SharedTable }>): Promise<SharedTable> {
    this.hold();
    try {
      const input = 'file' in place ? { fd: place.file.fd } : place.bytes;
      const shared = await this.#store.withRoom(() => SharedTable.from(input));
      this.#store.copied(shared.byteLength);
      // Looked at where nobody can change it any more.
      if ('file' in place && (await hashOf(map(shared))) !== this.hash) {
        shared[Symbol.dispose]();
        throw new TableGoneError('the file of a table was changed while it was in use');
      }
      this.#place = inMemory(shared);
      this.#store.opened(this);
      if ('file' in place) await place.file.close();
      return shared;
    } finally {
      this.release();
    }
  }

  /** Gives its descriptor back, if it is small and nobody needs it where it lies. */
  async move(): Promise<void> {
    const place = this.#place;
    if ('bytes' in place || this.#users > 0 || this.byteLength > MOST_MOVED_BYTES) return;
    if ('shared' in place) {
      const range = holdRange(place.shared, 'table');
      if (range === undefined) return;
      const bytes = read(range.memory.fd, range.offset, range.length);
      range.memory.release();
      if (bytes === undefined) return;
      this.#place = { bytes };
      place.shared[Symbol.dispose]();
      return;
    }
    const bytes = read(place.file.fd, 0, this.byteLength);
    // Who reads it then is told.
    if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== this.hash) return;
    this.#place = { bytes };
    await place.file.close();
  }

  /** Nobody holds it, and it is not kept. */
  drop(): void {
    const place = this.#place;
    if ('shared' in place) place.shared[Symbol.dispose]();
    else if ('file' in place) void place.file.close().catch(() => undefined);
  }
}

export class TableStore {
  readonly #maxIdleBytes: number;
  readonly #tables = new Map<string, StoredTable>();
  /** Those that nobody holds, the longest unused first. */
  readonly #idle = new Set<StoredTable>();
  /** Those that have a descriptor. */
  readonly #open = new Set<StoredTable>();
  #idleBytes = 0;
  #copiedBytes = 0;

  constructor(maxIdleBytes: number) {
    this.#maxIdleBytes = maxIdleBytes;
  }

  /** Written to memory that children map. */
  get copiedBytes(): number {
    return this.#copiedBytes;
  }

  /** In memory now. */
  get memoryBytes(): number {
    let sum = 0;
    for (const table of this.#tables.values()) sum += table.memoryBytes;
    return sum;
  }

  /** @returns a hold on the table, wherever it came from; a table that came out of a child is not copied */
  async add(input: TableInput, option = 'table'): Promise<StoredTable> {
    const lies = holdRange(input, option);
    lies?.memory.release();
    const shared = await this.withRoom(() => SharedTable.from(input, option));
    if (lies === undefined) this.copied(shared.byteLength);
    let hash;
    try {
      hash = await hashOf(map(shared));
    } catch (error) {
      shared[Symbol.dispose]();
      throw error;
    }
    return this.#insertOrFind(hash, shared);
  }

  /** @param shared is owned; what is in it has this hash */
  addShared(hash: string, shared: SharedTable): StoredTable {
    this.copied(shared.byteLength);
    return this.#insertOrFind(hash, shared);
  }

  /** @param file is owned; what is in it has this hash */
  addFile(hash: string, byteLength: number, file: FileHandle): StoredTable {
    const known = this.find(hash);
    if (known === undefined) return this.#insert(hash, byteLength, { file });
    void file.close().catch(() => undefined);
    return known;
  }

  /** @returns a hold */
  find(hash: string): StoredTable | undefined {
    return this.#tables.get(hash)?.hold();
  }

  #insertOrFind(hash: string, shared: SharedTable): StoredTable {
    const known = this.find(hash);
    if (known === undefined) return this.#insert(hash, shared.byteLength, inMemory(shared));
    shared[Symbol.dispose]();
    return known;
  }

  #insert(hash: string, byteLength: number, place: Place): StoredTable {
    const table = new StoredTable(this, hash, byteLength, place);
    this.#tables.set(hash, table);
    table.hold();
    this.opened(table);
    return table;
  }

  /** The table has got a descriptor. */
  opened(table: StoredTable): void {
    this.#open.add(table);
    if (this.#open.size > MOST_OPEN) void this.#move(MOST_OPEN).catch(() => undefined);
  }

  /** Moves those that can be moved, the oldest first, until so many have a descriptor. */
  async #move(most: number): Promise<void> {
    const moved: Promise<void>[] = [];
    for (const table of this.#open) {
      if (this.#open.size <= most) break;
      moved.push(table.move());
      if (!table.hasDescriptor) this.#open.delete(table);
    }
    await Promise.all(moved);
  }

  copied(bytes: number): void {
    this.#copiedBytes += bytes;
  }

  held(table: StoredTable): void {
    table.holders++;
    if (this.#idle.delete(table)) this.#idleBytes -= table.memoryBytes;
  }

  released(table: StoredTable): void {
    if (--table.holders > 0) return;
    if (!table.isInMemory) {
      this.#drop(table);
      return;
    }
    this.#idle.add(table);
    this.#idleBytes += table.memoryBytes;
    for (const oldest of this.#idle) {
      if (this.#idleBytes <= this.#maxIdleBytes && this.#idle.size <= MOST_IDLE) break;
      this.#idle.delete(oldest);
      this.#idleBytes -= oldest.memoryBytes;
      this.#drop(oldest);
    }
  }

  /** Once more, without what nobody holds, if it failed since no more files can be open at once. */
  async withRoom<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (!isOutOfFiles(error)) throw error;
      this.clear();
      forgetAllMemory();
      await this.#move(0).catch(() => undefined);
      return open();
    }
  }

  #drop(table: StoredTable): void {
    this.#tables.delete(table.hash);
    this.#open.delete(table);
    table.drop();
  }

  /** Lets go of what nobody holds. */
  clear(): void {
    for (const table of this.#idle) this.#drop(table);
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}
