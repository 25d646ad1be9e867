// What the profile `network` adds to a run, against `compute`, with nothing parked: node dist/bench/network.js [RUNS]
// As root, where forwarding is on, or in a network namespace of its own: unshare --net node dist/bench/network.js
import { Zygote, type SandboxOptions } from '../lib/index.js';

const RUNS = Number(process.argv[2] ?? 400);
const CODE = 'module.exports = () => 1;';
const PROFILES: readonly SandboxOptions[] = [
  { profile: 'compute' },
  { profile: 'network', network: { allow: [{ to: '192.31.196.1', ports: 443 }] } },
];

async function measure(sandbox: SandboxOptions): Promise<string> {
  const begin = performance.now();
  await using zygote = await Zygote.start({ preload: [], pool: { min: 0, max: 0 }, sandbox });
  const started = performance.now() - begin;
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const before = performance.now();
    await zygote.run(CODE);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const [min, p50, p90] = [0, 0.5, 0.9].map((part) => (times[Math.floor(part * RUNS)] ?? 0).toFixed(2));
  return `${sandbox.profile ?? ''}: start ${started.toFixed(0)} ms; run: fastest ${min} ms, p50 ${p50} ms, p90 ${p90} ms`;
}

// In turns, so that what else the machine does hits both.
for (let round = 0; round < 3; round++) {
  for (const sandbox of PROFILES) console.log(await measure(sandbox));
}
