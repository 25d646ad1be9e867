/** Code to begin with, good and hostile. */

export interface Sample {
  readonly name: string;
  readonly isHostile: boolean;
  readonly code: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const hostile = (name: string, body: string): Sample => ({
  name,
  isHostile: true,
  code: `export function render(table) {\n${body}\n}\n`,
  params: {},
});

export const SAMPLES: readonly Sample[] = [
  {
    name: 'Mean delay by hour',
    isHostile: false,
    code: `import { tableFromArrays } from 'apache-arrow';

// 200,000 flights: departure time in hours, delay in minutes, distance in miles.
export function render(table, { minDistance }) {
  const [times, delays, distances] = ['time', 'delay', 'distance'].map((name) => table.getChild(name).toArray());
  const sums = new Float64Array(24), flights = new Int32Array(24);
  for (let i = 0; i < times.length; i++) {
    if (distances[i] < minDistance) continue;
    const hour = Math.floor(times[i]) % 24;
    sums[hour] += delays[i];
    flights[hour]++;
  }
  return tableFromArrays({
    hour: Int32Array.from(flights.keys()),
    flights,
    meanDelay: sums.map((sum, hour) => Math.round(10 * sum / (flights[hour] || 1)) / 10),
  });
}
`,
    params: { minDistance: 500 },
  },
  {
    name: 'The longest delays',
    isHostile: false,
    code: `import { tableFromArrays } from 'apache-arrow';

export function render(table, { rows }) {
  const delays = table.getChild('delay').toArray();
  const order = Uint32Array.from(delays.keys()).sort((a, b) => delays[b] - delays[a]).subarray(0, rows);
  const pick = (name) => Array.from(order, (i) => table.getChild(name).get(i));
  console.log('the longest is', delays[order[0]], 'minutes');
  return tableFromArrays({ delay: pick('delay'), distance: pick('distance'), time: pick('time') });
}
`,
    params: { rows: 10 },
  },
  hostile('Endless loop', '  for (;;);'),
  hostile('Memory bomb', '  const all = [];\n  for (;;) all.push(Buffer.alloc(2 ** 24, 1));'),
  hostile('process.exit()', '  process.exit(0);'),
  hostile(
    'Read /etc/passwd',
    "  const { readFileSync } = process.getBuiltinModule('node:fs');\n  // There is one: a line that says nothing of this machine.\n  console.log(readFileSync('/etc/passwd', 'utf8'));\n  console.log(readFileSync('/etc/shadow', 'utf8'));\n  return table;",
  ),
  hostile(
    'Fork bomb',
    "  const { Worker } = process.getBuiltinModule('node:worker_threads');\n  const { spawn } = process.getBuiltinModule('node:child_process');\n  try { spawn('/bin/sh', ['-c', ':(){ :|:& };:']); } catch (error) { console.error(error); }\n  for (let i = 0; i < 1000; i++) new Worker('for (;;);', { eval: true });\n  return new Promise(() => {});",
  ),
  hostile(
    'Call home',
    "  return new Promise((resolve, reject) => process.getBuiltinModule('node:net').connect(443, '1.1.1.1', resolve).on('error', reject));",
  ),
];
