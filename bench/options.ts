/** What the command line asks for. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Charts } from './charts/write.js';
import { PARTS, USUAL_PARTS, type Part, type Plan } from './plan.js';

export interface Options {
  readonly plan: Plan;
  /** The majors of the versions of Node to measure on; 'all' that are installed; undefined for what targets are for. */
  readonly nodes: readonly string[] | 'all' | undefined;
  readonly trace: boolean;
  readonly json: string | undefined;
  readonly charts: Charts;
}

const MB = 2 ** 20;

export function count(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name} ${text}: a whole number from ${least} on is needed`);
  return value;
}

function partsOf(text: string | undefined): readonly Part[] {
  if (text === undefined) return USUAL_PARTS;
  const names = text.split(',').filter((name) => name !== '');
  for (const name of names) {
    if (!(PARTS as readonly string[]).includes(name))
      throw new Error(`--parts ${name}: there are ${PARTS.join(', ')}`);
  }
  return PARTS.filter((part) => names.includes(part));
}

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      parts: { type: 'string' },
      peers: { type: 'boolean', default: false },
      spawns: { type: 'string', default: '1000' },
      plain: { type: 'string', default: '50' },
      windows: { type: 'string', default: '5' },
      'window-ms': { type: 'string', default: '1000' },
      'table-mb': { type: 'string', default: '1024' },
      children: { type: 'string', default: '1,2,4,8,16,32' },
      nodes: { type: 'boolean', default: false },
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
      preload: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      html: { type: 'string' },
      svg: { type: 'string' },
    },
  });
  const parts = partsOf(values.parts);
  const hasRoundTrips = values.peers || parts.some((part) => part === 'latency' || part === 'peers');
  if (values.svg !== undefined && !hasRoundTrips)
    throw new Error('--svg draws round trips: it needs the part latency or peers');
  const spawns = count('spawns', values.spawns);
  const largest = count('table-mb', values['table-mb']) * MB;
  return {
    plan: {
      parts: PARTS.filter((part) => parts.includes(part) || (part === 'peers' && values.peers)),
      spawns,
      plainSpawns: count('plain', values.plain),
      variantSpawns: Math.max(2, Math.ceil(spawns / 5)),
      warmUp: Math.min(20, spawns),
      preload: values.preload.map((name) => (name.startsWith('.') ? path.resolve(name) : name)),
      tableBytes: [1024, 64 * 1024, MB, 16 * MB, 128 * MB].filter((bytes) => bytes < largest).concat(largest),
      atOnce: [1, 2, 4, 8, 16],
      windows: count('windows', values.windows),
      windowMs: count('window-ms', values['window-ms']),
      children: values.children.split(',').map((text) => count('children', text)),
    },
    nodes: values.nodes ? 'all' : values.only?.split(','),
    trace: values.trace,
    json: values.json,
    charts: { html: values.html, svg: values.svg },
  };
}
