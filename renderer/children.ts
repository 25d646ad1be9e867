/** One call of a function of a step, in a child of its own: its turn, its result, and what the operator hears of it. */
import type { Context } from '@opentelemetry/api';
import type { Result, SharedTable, Zygote } from '../lib/index.js';
import { ZygoteGoneError } from '../lib/index.js';
import { TYPESCRIPT_UNAVAILABLE } from './messages.js';
import type { CheckedLimits } from './options.js';
import { filenameOf } from './place.js';
import type { FairQueue, Lane } from './queue.js';
import { failSpan, type CallOutcome, type Telemetry } from './telemetry.js';
import type { StepCall, Step } from './types.js';
import { ADAPTER, type ZygoteSource } from './zygotes.js';

/** How children are confined, and what they may use. */
export interface Confined {
  readonly zygotes: ZygoteSource;
  readonly limits: CheckedLimits;
}

/** On whose behalf. */
export interface Caller {
  readonly workflow: string;
  readonly lane: Lane;
  readonly signal: AbortSignal;
  readonly context: Context;
  readonly onStarted: (call: StepCall) => void;
}

export interface CallRequest {
  readonly call: StepCall;
  readonly step: Step;
  readonly params: unknown;
  readonly tables: Readonly<Record<string, SharedTable>>;
}

export interface CallEnd {
  readonly result: Result;
  readonly queuedMs: number;
}

export class Children {
  readonly #queue: FairQueue;
  readonly #telemetry: Telemetry;
  #spawned = 0;
  #handedOverBytes = 0;

  constructor(queue: FairQueue, telemetry: Telemetry) {
    this.#queue = queue;
    this.#telemetry = telemetry;
  }

  get spawned(): number {
    return this.#spawned;
  }

  /** Of tables, given to children where they lay. */
  get handedOverBytes(): number {
    return this.#handedOverBytes;
  }

  /** @throws the reason of the caller's signal; what Zygote.start() and spawn() throw, and a HostError */
  async run(request: CallRequest, confined: Confined, caller: Caller): Promise<CallEnd> {
    const { call, step } = request;
    const attributes = { 'nodespawner.call': call, 'nodespawner.step': step.id };
    return this.#telemetry.span(`call ${call}`, attributes, caller.context, async (_, span) => {
      const askedAt = performance.now();
      return this.#queue.run(caller.lane, caller.signal, async () => {
        const startedAt = performance.now();
        const queuedMs = startedAt - askedAt;
        let outcome: CallOutcome = 'failed';
        let result: Result | undefined;
        caller.onStarted(call);
        try {
          result = await this.#spawn(request, confined, caller.signal);
          outcome = result.status;
          if (outcome !== 'ok') failSpan(span, outcome);
          return { result, queuedMs };
        } finally {
          const ms = performance.now() - startedAt;
          span.setAttribute('nodespawner.outcome', outcome);
          this.#telemetry.callEnded(call, outcome, queuedMs, ms, result?.usage.peakMemoryBytes);
          this.#log(request, caller, outcome, { ms, queuedMs }, result);
        }
      });
    });
  }

  async #spawn(request: CallRequest, confined: Confined, signal: AbortSignal): Promise<Result> {
    try {
      return await this.#spawnOnce(request, confined, signal, await confined.zygotes.get());
    } catch (error) {
      // Somebody has ended the zygote, and it wasn't the step: it can't see it.
      if (!(error instanceof ZygoteGoneError) || error.code !== 'ERR_ZYGOTE_DIED') throw error;
      this.#telemetry.log.warn({ event: 'zygote.died', err: error }, 'a zygote died, and is started again');
      return this.#spawnOnce(request, confined, signal, await confined.zygotes.get());
    }
  }

  async #spawnOnce(
    { call, step, params, tables }: CallRequest,
    { limits }: Confined,
    signal: AbortSignal,
    zygote: Zygote,
  ): Promise<Result> {
    this.#spawned++;
    for (const { byteLength } of Object.values(tables)) this.#handedOverBytes += byteLength;
    const child = await zygote.spawn(
      step.code,
      { params: { ...(params as object), call }, tables },
      {
        adapter: ADAPTER,
        filename: filenameOf(step),
        signal,
        stdin: 'ignore',
        stdout: 'capture',
        stderr: 'capture',
        timeoutMs: limits.timeoutMs,
        maxTableBytes: limits.maxTableBytes,
        maxResultBytes: limits.maxValueBytes,
        maxCaptureBytes: limits.maxCaptureBytes,
      },
    );
    return child.result;
  }

  #log(
    { call, step }: CallRequest,
    { workflow }: Caller,
    outcome: CallOutcome,
    times: object,
    result: Result | undefined,
  ): void {
    const fields = { event: 'call', workflow, step: step.id, call, outcome, ...times, ...detailsOf(result) };
    if (outcome === 'ok' || outcome === 'canceled')
      this.#telemetry.log.debug(fields, `${call} is ${outcome}`);
    else if (outcome === 'failed') this.#telemetry.log.error(fields, `${call} could not be run`);
    else this.#telemetry.log.info(fields, `${call} is ${outcome}`);
  }
}

const NO_TYPESCRIPT = 'a step is in TypeScript, for which this Node needs the package amaro (1.2 or later)';

/** What there is to know of a result, without the user's data. */
function detailsOf(result: Result | undefined): object {
  if (result === undefined) return {};
  const { usage } = result;
  switch (result.status) {
    case 'threw':
      // Not the error's own words, which can be the user's.
      return result.error.code === TYPESCRIPT_UNAVAILABLE ? { usage, reason: NO_TYPESCRIPT } : { usage };
    case 'exited':
      return { usage, exitCode: result.exitCode };
    case 'signaled':
      return { usage, signal: result.signal };
    case 'limitExceeded':
      return { usage, limit: result.limit, max: result.max };
    case 'forbidden':
      return { usage, syscall: result.syscall };
    case 'badOutput':
      return { usage, reason: result.reason };
    default:
      return { usage };
  }
}
