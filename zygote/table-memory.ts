/** The memfd that the host made for the tables of a result, filled from its start. */
import fs from 'node:fs';
import { ValueTooLargeError } from '../protocol/errors.js';

/** Arrow's buffers are aligned within their table, so the table has to be (Arrow columnar format). */
const ALIGNMENT = 64;

/** More than that would have to be more than one writev(2). */
const MAX_CHUNKS = 512;

export class TableMemory {
  readonly #fd: number;
  readonly #maxBytes: number;
  #name = '';
  #position = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;

  constructor(fd: number, maxBytes: number) {
    this.#fd = fd;
    this.#maxBytes = maxBytes;
  }

  /** Begins a table. Returns where. */
  begin(name: string): number {
    this.flush();
    this.#name = name;
    this.#position = Math.ceil(this.#position / ALIGNMENT) * ALIGNMENT;
    return this.#position;
  }

  /** Where the next chunk comes. */
  get end(): number {
    return this.#position + this.#chunkBytes;
  }

  /**
   * The chunk must not change until flush().
   *
   * @throws {ValueTooLargeError} for more than `maxBytes` in all
   */
  write(chunk: Uint8Array): void {
    if (this.end + chunk.byteLength > this.#maxBytes)
      throw new ValueTooLargeError(`tables.${this.#name}`, 'maxTableBytes', this.#maxBytes);
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.byteLength;
    if (this.#chunks.length === MAX_CHUNKS) this.flush();
  }

  flush(): void {
    let chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    while (chunks.length > 0) {
      let written = fs.writevSync(this.#fd, chunks, this.#position);
      this.#position += written;
      // What a signal, or a limit on the bytes of one call, has left (write(2)).
      const rest: Uint8Array[] = [];
      for (const chunk of chunks) {
        if (written < chunk.byteLength) rest.push(chunk.subarray(written));
        written = Math.max(0, written - chunk.byteLength);
      }
      chunks = rest;
    }
  }
}
