/**
 * The host of one round of bench/faults.ts: keeps calls going, whatever happens to its zygote, until it is told to stop.
 * Then it says what became of all of them.
 */
import { Zygote, type Result } from '../lib/index.js';
import { MARK } from '../test/helpers/zygote.js';

/** What a host says at its end. */
export interface HostReport {
  readonly started: number;
  readonly calls: Readonly<Record<string, number>>;
  /** Calls that had not been settled long after the last one should have been. */
  readonly unsettled: number;
  /** What no call should come to, whoever is killed. */
  readonly problems: readonly string[];
}

const AT_ONCE = 6;
const PATIENCE_MS = 20_000;

/** The results that are fine: what the code says, or that somebody was killed. */
type Call = (zygote: Zygote) => Promise<readonly [outcome: string, isFine: boolean]>;

function fine(result: Result, wanted: (result: Result) => boolean): readonly [string, boolean] {
  const wasKilled = result.status === 'signaled' && result.signal === 'SIGKILL';
  return [wasKilled ? 'killed' : result.status, wasKilled || wanted(result)];
}

const spawned = (code: string, wanted: (result: Result) => boolean, timeoutMs = 30_000): Call => {
  return async (zygote) => {
    const child = await zygote.spawn(code, { params: 'x'.repeat(40_000) }, { timeoutMs });
    return fine(await child.result, wanted);
  };
};

const CALLS: readonly Call[] = [
  spawned('module.exports = () => 1', (result) => result.status === 'ok' && result.value === 1),
  spawned(
    'module.exports = () => new Promise((resolve) => setTimeout(resolve, 20, "late"))',
    (result) => result.status === 'ok' && result.value === 'late',
  ),
  spawned('for (;;);', (result) => result.status === 'timedOut', 40),
  spawned(
    `const { Worker } = require('node:worker_threads');
     module.exports = () => new Promise((resolve) => new Worker('1', { eval: true }).once('exit', resolve))`,
    (result) => result.status === 'ok' && result.value === 0,
  ),
  async (zygote) => {
    const code =
      'const { tableFromArrays } = require("apache-arrow"); module.exports = () => tableFromArrays({ a: [1] })';
    const result = await (await zygote.spawn(code, {}, { timeoutMs: 30_000 })).result;
    return fine(result, ({ status }) => status === 'ok');
  },
  async (zygote) => {
    const controller = new AbortController();
    const child = await zygote.spawn('for (;;);', {}, { signal: controller.signal });
    setTimeout(() => {
      controller.abort();
    }, 10);
    return fine(await child.result, ({ status }) => status === 'canceled');
  },
];

const counts: Record<string, number> = {};
const problems: string[] = [];
let started = 0;
let stopped = false;
let unsettled = 0;

function note(outcome: string, isFine: boolean): void {
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (!isFine) problems.push(outcome);
}

const startErrors = new Set(['ERR_START_FAILED', 'ERR_SANDBOX_UNAVAILABLE']);

async function startZygote(): Promise<Zygote> {
  for (;;) {
    try {
      started++;
      return await Zygote.start({ env: { [MARK]: process.env[MARK] ?? '' } });
    } catch (error) {
      // It was killed before it was ready.
      const { code, message } = error as { code?: string; message: string };
      note(`start: ${code ?? message}`, startErrors.has(code ?? ''));
      if (problems.length > 0) throw error;
    }
  }
}

async function keepCalling(zygote: Zygote, worker: number): Promise<void> {
  for (let i = worker; !stopped && zygote.isAlive; i++) {
    unsettled++;
    try {
      note(...((await CALLS[i % CALLS.length]?.(zygote)) ?? ['', false]));
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      note(code ?? message, code === 'ERR_ZYGOTE_DIED');
    }
    unsettled--;
  }
}

async function main(): Promise<void> {
  process.once('message', () => {
    stopped = true;
    setTimeout(report, PATIENCE_MS).unref();
  });
  let zygote = await startZygote();
  for (;;) {
    const current = zygote;
    await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => keepCalling(current, worker)));
    if (stopped) break;
    await zygote.close();
    zygote = await startZygote();
  }
  // One that lives has to do its work; one that died in the last moment is replaced.
  if (!zygote.isAlive) zygote = await startZygote();
  const { value } = await zygote.run('module.exports = () => 1');
  if (value !== 1) problems.push('the last call did not work');
  await zygote.close();
  report();
}

function report(): void {
  const said: HostReport = { started, calls: counts, unsettled, problems };
  process.send?.(said, () => {
    process.exit(0);
  });
}

main().catch((error: unknown) => {
  problems.push(String(error));
  report();
});
