/** Which format a file is in: its name says, or else its content. */
import path from 'node:path';

export const FORMATS = ['csv', 'tsv', 'json', 'ndjson', 'arrow', 'arrows', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

const EXTENSIONS: Readonly<Record<string, Format>> = {
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  arrow: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
  arrows: 'arrows',
  parquet: 'parquet',
};

export function formatOfName(file: string): Format | undefined {
  return EXTENSIONS[path.extname(file).slice(1).toLowerCase()];
}

/** Of text that is no JSON it is a guess: CSV has no mark. */
export function formatOfContent(bytes: Uint8Array): Format {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024));
  const magic = start.toString('latin1', 0, 6);
  if (magic.startsWith('PAR1')) return 'parquet';
  if (magic === 'ARROW1') return 'arrow';
  // The continuation marker before the first message of a stream.
  if (magic.startsWith('\xff\xff\xff\xff')) return 'arrows';
  const text = start
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  return text.startsWith('[') || text.startsWith('{') ? 'json' : 'csv';
}
