/** All that a child can leave behind, mutated: what it wrote to the result pipe, and what is in the memory of its tables. */
import { writeSync } from 'node:fs';
import type { CheckedSpawnOptions } from '../../lib/options.js';
import { toResult } from '../../lib/outcome.js';
import { createOutput } from '../../lib/output-tables.js';
import type { Ended } from '../../lib/running-child.js';
import type { Result } from '../../lib/types.js';
import type { ZygoteContext } from '../../lib/zygote-context.js';
import { encodeResult, type OutputTable, type Outcome } from '../../protocol/messages.js';
import { samples } from './arrow/corpus.js';
import { mutate, type Random } from './arrow/mutate.js';
import { UNCONFINED } from './zygote.js';

export const OUTPUT_BYTES = 65_536;

export interface ChildOutput {
  readonly frame: Uint8Array;
  readonly memory: Uint8Array;
}

const tables = samples()
  .map(({ bytes }) => bytes)
  .filter(({ byteLength }) => byteLength < OUTPUT_BYTES / 4);

const OUTCOMES: readonly Outcome[] = [
  { kind: 'threw', error: { name: 'Error', message: 'no', stack: 'Error: no', code: 'E' }, causes: [] },
  { kind: 'badReturn', code: 'ERR_UNSUPPORTED_VALUE', path: 'value.f', reason: 'a function' },
  { kind: 'badReturn', code: 'ERR_VALUE_TOO_LARGE', path: 'value', reason: 'too large', limit: 'maxDepth' },
  { kind: 'outOfMemory' },
];

const VALUES = [
  null,
  1,
  'text',
  [true, 0.5, 2n ** 60n, new Date(0), new Uint8Array(9)],
  { a: [{ b: new Map([['c', null]]) }], 7: 'x' },
];

/** Nothing wrong with it yet. */
export function randomOutput(random: Random): ChildOutput {
  if (random.below(8) === 0) {
    return { frame: encode(random.pick(OUTCOMES)), memory: new Uint8Array(0) };
  }
  const places: OutputTable[] = [];
  let memory = Buffer.alloc(0);
  for (let count = random.below(4); count > 0; count--) {
    const bytes = random.pick(tables);
    places.push({ name: `t${count}`, offset: memory.length, length: bytes.byteLength });
    memory = Buffer.concat([memory, bytes, Buffer.alloc(-bytes.byteLength & 63)]);
  }
  return {
    frame: encode({ kind: 'returned', value: random.pick(VALUES), tables: places }),
    memory: new Uint8Array(memory),
  };
}

function encode(outcome: Outcome<unknown>): Uint8Array {
  return new Uint8Array(Buffer.concat(encodeResult(outcome)));
}

export function mutatedOutput(random: Random): ChildOutput {
  const { frame, memory } = randomOutput(random);
  const which = random.below(3);
  return {
    frame: which === 0 ? frame : mutate(frame, random, randomOutput(random).frame),
    memory: which === 1 || memory.length < 8 ? memory : mutate(memory, random, random.pick(tables)),
  };
}

const ENDED: Ended = {
  exitCode: 0,
  signal: null,
  killed: null,
  usage: { wallMs: 1, userMs: 1, systemMs: 1, peakMemoryBytes: 1 },
  sandbox: UNCONFINED,
  forbidden: null,
  oomKills: 0,
  taskFails: 0,
};

/** What the host makes of it. */
export async function hostReads({ frame, memory }: ChildOutput): Promise<Result> {
  const output = createOutput(OUTPUT_BYTES);
  try {
    writeSync(output.fd, memory.subarray(0, OUTPUT_BYTES), 0, Math.min(memory.length, OUTPUT_BYTES), 0);
    const collected = { bytes: Buffer.from(frame), truncated: false, stopped: false, errno: 0 };
    const options = { maxResultBytes: 100_000, maxTableBytes: OUTPUT_BYTES, schema: undefined, timeoutMs: 1 };
    const confinement = { limits: { cpuMs: Infinity, memoryBytes: Infinity }, memory: 'none' };
    return await toResult(ENDED, Promise.resolve(ENDED), collected, output, options as unknown as CheckedSpawnOptions, confinement as unknown as ZygoteContext);
  } finally {
    output.release();
  }
} // prettier-ignore
