/** What this machine gives, whether a zygote starts, and what to change. */
import type { ZygoteOptions } from '../../lib/index.js';
import { SANDBOX_LAYERS } from '../../lib/layers.js';
import type { Arguments } from '../arguments.js';
import { EXIT } from '../failure.js';
import { interruption } from '../interrupt.js';
import { print, printJson } from '../output.js';
import { printableLine } from '../printable.js';
import { paintOut } from '../terminal.js';
import { showMs } from '../units.js';
import { limitsOf, preloadOf, sandboxOf } from '../zygote-options.js';
import { container, IN_CONTAINERS } from './advice.js';
import { info, missing, ok, type Check } from './check.js';
import { permitted } from './kernel.js';
import { network } from './network.js';
import { packages } from './packages.js';
import { pinning } from './pinning.js';
import { runtime } from './runtime.js';
import { attempt, eachLayer, whyNot, type Attempt } from './start.js';

interface Layer {
  readonly name: string;
  readonly isOn: boolean;
  /** Why it can't be had. */
  readonly reason?: string;
}

interface Found {
  readonly checks: readonly Check[];
  readonly layers: readonly Layer[];
  readonly attempt: Attempt | undefined;
}

/** What start() says goes behind the last semicolon: what to change. */
function failed(name: string, reason: string): Check {
  const at = reason.indexOf('; ');
  return at < 0
    ? missing(name, reason, 'see docs/security.md, Containers')
    : missing(name, reason.slice(0, at), reason.slice(at + 2));
}

async function layersWithout(options: ZygoteOptions): Promise<Layer[]> {
  const reasons = await eachLayer(options);
  return [...reasons].map(([name, reason]) => ({
    name,
    isOn: false,
    ...(reason === undefined ? {} : { reason }),
  }));
}

async function examine(options: ZygoteOptions): Promise<Found> {
  const before = [
    ...runtime(),
    ...permitted(),
    info('container', container(process.env) ?? 'none seen'),
    ...packages(),
    ...(options.sandbox?.profile === 'network' ? network() : []),
  ];
  const off = options.sandbox?.off ?? [];
  try {
    const made = await attempt(options, true);
    const times = `started in ${showMs(made.startMs)}, first child done in ${showMs(made.callMs)}`;
    return {
      checks: [
        ...before,
        info('threads', `${made.threads} carried into each child`),
        pinning(made.pinning),
        ok('zygote', times),
      ],
      layers: SANDBOX_LAYERS.map((name) => ({ name, isOn: made.sandbox.layers.includes(name) })),
      attempt: made,
    };
  } catch (error) {
    interruption.throwIfAborted();
    const layers = await layersWithout({ ...options, sandbox: { ...options.sandbox, off } });
    return { checks: [...before, failed('zygote', whyNot(error))], layers, attempt: undefined };
  }
}

const MARKS = { ok: '✓', weaker: '!', missing: '✗', info: '·' } as const;
const STYLES = { ok: 'green', weaker: 'yellow', missing: 'red', info: 'dim' } as const;

function show({ checks, layers, attempt: made }: Found): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, found, fix } of checks) {
    print(`${paintOut(STYLES[state], MARKS[state])} ${name.padEnd(width)}  ${printableLine(found)}`);
    if (fix !== undefined)
      print(`  ${' '.repeat(width)}  ${paintOut('yellow', 'change:')} ${printableLine(fix)}`);
  }
  if (made !== undefined) {
    const { layers: on, off, ownIds, memory } = made.sandbox;
    print(`\nlayers on: ${on.join(', ')}${off.length === 0 ? '' : `; switched off: ${off.join(', ')}`}`);
    print(
      `each child has ${ownIds ? 'a uid of its own' : 'the uid of the others'}; memory is held by ${memory}`,
    );
    return;
  }
  print('\nlayers, each tried with all others off:');
  for (const { name, reason } of layers)
    print(
      `${reason === undefined ? paintOut('green', '✓') : paintOut('red', '✗')} ${name}${reason === undefined ? '' : `  ${printableLine(reason)}`}`,
    );
  print(`\nin a container:\n${IN_CONTAINERS.map((line) => `  ${line}`).join('\n')}`);
}

export async function doctor(given: Arguments): Promise<number> {
  const found = await examine({
    ...preloadOf(given, process.cwd()),
    sandbox: { ...sandboxOf(given), limits: limitsOf(given) },
  });
  const isFine = found.checks.every(({ state }) => state !== 'missing');
  if (given.has('json'))
    printJson({
      ok: isFine,
      checks: found.checks,
      layers: found.layers,
      sandbox: found.attempt?.sandbox ?? null,
      ...(isFine ? {} : { inContainers: IN_CONTAINERS }),
    });
  else show(found);
  return isFine ? EXIT.ok : EXIT.failed;
}
