import { fail } from './errors.js';
import { readFrame, readMessage, SCHEMA, type Input, type Message } from './message.js';

/** Goes through messages that lie one after the other, up to an end-of-stream marker or the end of the bytes. */
export class MessageWalk {
  readonly #input: Input;
  readonly #end: number;
  #first: Message | undefined;
  /** Offset behind the last message, or behind the end-of-stream marker if that was reached. */
  position: number;
  ended = false;

  constructor(input: Input, start: number, end: number) {
    this.#input = input;
    this.#end = end;
    this.position = start;
  }

  /** The next message, or undefined at the end. Only the first one may be a schema. */
  next(): Message | undefined {
    if (this.ended || this.position === this.#end) return undefined;
    const frame = readFrame(this.#input, this.position, this.#end);
    if (typeof frame === 'number') {
      this.position = frame;
      this.ended = true;
      return undefined;
    }
    const message = readMessage(this.#input, frame, this.#end);
    if (this.#first === undefined) {
      this.#first = message;
    } else {
      // SECURITY: apache-arrow would drop what it has read so far.
      if (message.kind === SCHEMA) fail('message', 'Schema after other messages', frame.start);
      // apache-arrow goes by the version of the schema alone.
      if (message.version !== this.#first.version) fail('version', 'Versions are mixed', frame.start);
      if (frame.legacy !== this.#first.frame.legacy) fail('framing', 'No continuation marker', frame.start);
    }
    this.position = message.end;
    return message;
  }

  /** Skips further end-of-stream markers: some writers put two into a file. */
  skipMarkers(): void {
    while (this.ended && this.position < this.#end) {
      const frame = readFrame(this.#input, this.position, this.#end);
      if (typeof frame !== 'number') return;
      this.position = frame;
    }
  }
}
