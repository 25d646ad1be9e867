/**
 * Time begins anew in the child: performance.now(), timeOrigin, nodeTiming, the time stamps of events, and
 * process.uptime(). process.hrtime() has no beginning.
 *
 * Not covered: the start times of the performance entries that C++ makes (those of garbage collections), which count
 * from the start of the zygote.
 */
import { NodespawnerError } from '../protocol/errors.js';
import { internalBinding, isLoaded, patchInternal } from './internals.js';

interface PerformanceBinding {
  /** Milliseconds since the start of the zygote, which C++ keeps out of reach. */
  now(): number;
  /** How many milliseconds the event loop has waited so far. */
  loopIdleTime: () => number;
  /** In ns on the monotonic clock, but for the time stamp: µs since the epoch. -1: not reached. Shared with C++. */
  readonly milestones: Float64Array;
  readonly constants: Record<string, number>;
}

const NS_PER_S = 1e9;

let binding: PerformanceBinding;
/** What the clock of the zygote showed when the child began. */
let offset = 0;
/** And how long its event loop had waited. */
let idleOffset = 0;
let origin: number;
let originTimestamp: number;
/** The indices of the milestones that a running program has passed. */
let passed: number[];

/** Must come before anything has loaded node:perf_hooks or used the global `performance`. @throws ERR_CLOCK_IN_USE */
export function installClock(): void {
  if (isLoaded('internal/perf/performance')) {
    throw new NodespawnerError(
      'ERR_CLOCK_IN_USE',
      'node:perf_hooks was loaded before the clock could be replaced',
    );
  }
  binding = internalBinding('performance') as PerformanceBinding;
  const index = (name: string): number => {
    const found = binding.constants[`NODE_PERFORMANCE_MILESTONE_${name}`];
    if (found === undefined) throw new Error(`Node ${process.version} has no performance milestone ${name}`);
    return found;
  };
  origin = index('TIME_ORIGIN');
  originTimestamp = index('TIME_ORIGIN_TIMESTAMP');
  passed = ['NODE_START', 'V8_START', 'ENVIRONMENT', 'BOOTSTRAP_COMPLETE', 'LOOP_START'].map(index);

  patchInternal('internal/perf/utils', {
    now: function now() {
      return binding.now() - offset;
    },
  });
  const { loopIdleTime } = binding;
  binding.loopIdleTime = () => loopIdleTime() - idleOffset;
  // This one took the function above from there before we came.
  const timeStamp = Object.getOwnPropertyDescriptor(Event.prototype, 'timeStamp');
  Object.defineProperty(Event.prototype, 'timeStamp', {
    ...timeStamp,
    get(this: Event) {
      return Number(timeStamp?.get?.call(this)) - offset;
    },
  });
}

/** Forgets what preloaded modules measured of themselves. */
export function sealClock(): void {
  performance.clearMarks();
  performance.clearMeasures();
  performance.clearResourceTimings();
}

export function freshClock(): void {
  const { milestones } = binding;
  const at = (index: number): number => milestones[index] ?? NaN;
  offset = binding.now();
  idleOffset += binding.loopIdleTime();
  const now = Number(process.hrtime.bigint());
  // Between steps of the clock this is finer than Date.now(), whose unit is a millisecond.
  const reckoned = at(originTimestamp) + (now - at(origin)) / 1e3;
  const coarse = Date.now() * 1e3;
  milestones[originTimestamp] = Math.abs(reckoned - coarse) < 1e3 ? reckoned : coarse;
  milestones[origin] = now;
  // All that a `node` does before it runs anything took no time. LOOP_START is -1 while it hasn't begun.
  for (const index of passed) if (at(index) !== -1) milestones[index] = now;
}

/** For where the native side couldn't set the start of the process. */
export function replaceUptime(): void {
  const started = process.hrtime.bigint();
  process.uptime = function uptime() {
    return Number(process.hrtime.bigint() - started) / NS_PER_S;
  };
}
