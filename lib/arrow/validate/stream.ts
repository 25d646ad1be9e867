import { Batches } from './batches.js';
import { Dictionaries } from './dictionaries.js';
import { fail } from './errors.js';
import { Budget } from './limits.js';
import { DICTIONARY_BATCH, SCHEMA, type Input } from './message.js';
import { readSchema, type Schema } from './schema.js';
import { MessageWalk } from './walk.js';

/** Checks bytes in the streaming format. */
export function validateStream(input: Input): { schema: Schema; batches: Batches } {
  const { length } = input.bytes;
  if (length === 0) fail('truncated', 'No bytes', 0);
  const walk = new MessageWalk(input, 0, length);
  const first = walk.next();
  if (first?.kind !== SCHEMA) fail('message', 'Does not start with a schema', 0);
  const schema = readSchema(first.header, input.limits);
  const budget = new Budget(input.limits, length);
  const batches = new Batches(input, schema, new Dictionaries(schema.fields, true), budget);
  for (let message = walk.next(); message !== undefined; message = walk.next()) {
    if (message.kind === DICTIONARY_BATCH) batches.dictionaryBatch(message);
    else batches.recordBatch(message);
  }
  // SECURITY: apache-arrow takes the end of the bytes for the end of the stream. One that was cut between two
  // messages would read as a table with fewer rows.
  if (!walk.ended) fail('end-of-stream', 'No end-of-stream marker', length);
  if (walk.position !== length) fail('trailing-bytes', 'Bytes after the end of the stream', walk.position);
  return { schema, batches };
}
