/** What was given where Arrow was expected: as far as it shows, and how a table is made of it. */

interface LookAlike {
  /** The end of a sentence that begins with "it is". */
  readonly what: string;
  readonly advice: string;
}

const TEXT_ADVICE =
  "make a table of it first, such as by arquero's fromCSV() or apache-arrow's tableFromJSON(); the command nodespawner reads such files itself";

const UNPACK_ADVICE = 'unpack it first';

/** By their first bytes, as latin1. */
const MAGIC: readonly (readonly [start: string, LookAlike])[] = [
  [
    'PAR1',
    {
      what: 'Parquet',
      advice:
        "make a table of it first, such as by parquet-wasm's readParquet(bytes).intoIPCStream(); the command nodespawner reads such files itself",
    },
  ],
  ['FEA1', { what: 'Feather of version 1', advice: 'write it as version 2, which is Arrow' }],
  [
    'PK\x03\x04',
    { what: 'a ZIP archive, as workbooks of Excel are', advice: 'give the table that is in it' },
  ],
  ['\x1f\x8b', { what: 'compressed by gzip', advice: UNPACK_ADVICE }],
  ['\x28\xb5\x2f\xfd', { what: 'compressed by zstd', advice: UNPACK_ADVICE }],
];

/** So much is looked at, in bytes. */
const LOOKED_AT = 1024;

// eslint-disable-next-line no-control-regex -- text has none of these
const BINARY = /[\0-\x08\x0e-\x1f\x7f]/;

/** Undefined where nothing can be said, as of Arrow itself. */
export function lookAlikeOf(bytes: Uint8Array): LookAlike | undefined {
  if (bytes.byteLength === 0) return { what: 'empty', advice: 'a table without rows has a schema' };
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, LOOKED_AT)).toString(
    'latin1',
  );
  const known = MAGIC.find(([magic]) => start.startsWith(magic));
  if (known !== undefined) return known[1];
  // The magic of an Arrow file is text, too.
  if (start.startsWith('ARROW') || BINARY.test(start)) return undefined;
  const isJson = /^(?:\xef\xbb\xbf)?\s*[[{]/.test(start);
  return { what: isJson ? 'JSON, it seems' : 'text, such as CSV', advice: TEXT_ADVICE };
}

/** Of what is neither bytes nor a place where they are: what was meant, if that is clear. */
export function adviceFor(input: unknown): string | undefined {
  if (typeof input === 'string') return "{ path: '…' } is a file, and text has to be made a table first";
  if (Array.isArray(input)) return "apache-arrow's tableFromJSON() makes a table of rows";
  if (typeof input !== 'object' || input === null) return undefined;
  if (input instanceof Promise) return 'await it first';
  return 'toArrowIPC' in input && typeof input.toArrowIPC === 'function'
    ? 'give what its toArrowIPC() returns'
    : undefined;
}
