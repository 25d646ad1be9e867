/** The zygote, as its host sees it. */
import { checkInputs, startCode, toChild } from './child.js';
import { whenCollected } from './collected.js';
import { ChildError, zygoteGone } from './errors.js';
import { beginCall, endCall } from './keep-alive.js';
import {
  checkCode,
  checkEntry,
  checkProcessOptions,
  checkSpawnOptions,
  checkZygoteOptions,
  type CheckedZygoteOptions,
} from './options.js';
import { startEntry } from './process-child.js';
import type {
  ActiveSandbox,
  Child,
  ChildProcess,
  Entry,
  Inputs,
  OkResult,
  Pinning,
  ProcessOptions,
  SpawnOptions,
  ZygoteOptions,
} from './types.js';
import { limitsInForce } from './sandbox.js';
import { Succession } from './succession.js';
import type { ZygoteContext } from './zygote-context.js';

/** How long a zygote that was told to end may take, in milliseconds, before it is killed. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What is true of a zygote, apart from its handle, which may be collected before it ends. */
interface State {
  gone: 'died' | 'closed' | undefined;
}

/**
 * A `node` that has loaded the heavy modules, and of which children are cloned. Closing it, disposing of it, or losing
 * the handle ends it and all its children; so does the end of the host, whatever ended it.
 */
export class Zygote implements AsyncDisposable {
  readonly #succession: Succession;
  readonly #options: CheckedZygoteOptions;
  readonly #state: State;
  readonly #context: ZygoteContext;
  readonly #forget: () => void;

  private constructor(succession: Succession, options: CheckedZygoteOptions, state: State) {
    this.#succession = succession;
    this.#options = options;
    this.#state = state;
    this.#context = {
      get control() {
        return succession.current.control;
      },
      get pool() {
        return succession.current.pool;
      },
      hasArrow: options.preload.includes('apache-arrow'),
      limits: limitsInForce(options.sandbox),
      get sandbox() {
        return succession.current.sandbox;
      },
      get memory() {
        return succession.current.sandbox.memory;
      },
      childStarted: () => {
        succession.childStarted();
      },
      childEnded: (ended) => {
        succession.childEnded(ended);
      },
    };
    this.#forget = whenCollected(this, () => {
      state.gone ??= 'closed';
      succession.end();
    });
  }

  /**
   * Starts a zygote and waits until it can clone.
   *
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`
   * @throws {ZygoteStartError} which names what could not be had: a module, a thread that can't be cloned, a namespace
   */
  static async start(options?: ZygoteOptions): Promise<Zygote> {
    const checked = checkZygoteOptions(options);
    const state: State = { gone: undefined };
    const succession = await Succession.start(checked, () => {
      state.gone ??= 'died';
    });
    return new Zygote(succession, checked, state);
  }

  /** How many threads each child gets from the zygote, besides its main one. */
  get threads(): number {
    return this.#succession.current.threads;
  }

  /** What confines the children. */
  get sandbox(): ActiveSandbox {
    return this.#succession.current.sandbox;
  }

  /** How many children are parked, waiting for a job. */
  get parked(): number {
    return this.#succession.current.pool.parked;
  }

  /**
   * Whether children are as cheap as they get: a zygote makes them cheaper when it has been started and nobody asks for one.
   * Worth waiting for before measuring.
   */
  get isWarm(): boolean {
    return this.#succession.current.pinning !== undefined;
  }

  /** Whether the memory that children write to is pinned. Undefined until the zygote is warm. */
  get pinning(): Pinning | undefined {
    return this.#succession.current.pinning;
  }

  /** Whether children can still be had. */
  get isAlive(): boolean {
    return this.#state.gone === undefined;
  }

  /**
   * Runs code in a child of its own.
   *
   * @param code the source of a CommonJS or ES module, or of TypeScript whose types can be stripped. Its default export
   *   is called with `{ params, tables }`; it returns, or resolves to, a plain value, an Arrow `Table` or an
   *   iterator of record batches (which become `tables.table`), or `{ value, tables }`.
   * @returns a handle, once the child is there
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`; {UnsupportedValueError} for params that can't be sent
   * @throws {ZygoteGoneError} `ERR_ZYGOTE_DIED`, `ERR_ZYGOTE_CLOSED`; {SpawnError} `ERR_SPAWN_FAILED`
   * @throws `options.signal.reason` if the signal is aborted already
   */
  async spawn(code: string, inputs?: Inputs, options?: SpawnOptions): Promise<Child> {
    const source = checkCode(code);
    const given = checkInputs(inputs);
    const checked = checkSpawnOptions(options, 'pipe', this.#options.preload);
    checked.signal?.throwIfAborted();
    this.#assertAlive();
    return toChild(await startCode(this.#context, source, given, checked));
  }

  /**
   * As {@link spawn}, for those who want nothing but the result. The standard streams are ignored unless captured.
   *
   * @throws what spawn() throws, {ChildError} unless the status is `ok`, and `options.signal.reason` once it is aborted
   */
  async run(code: string, inputs?: Inputs, options?: SpawnOptions): Promise<OkResult> {
    const source = checkCode(code);
    const given = checkInputs(inputs);
    const checked = checkSpawnOptions(options, 'ignore', this.#options.preload);
    checked.signal?.throwIfAborted();
    this.#assertAlive();
    const { result } = await startCode(this.#context, source, given, checked);
    const outcome = await result;
    if (outcome.status === 'ok') return outcome;
    if (outcome.status === 'canceled') checked.signal?.throwIfAborted();
    throw new ChildError(outcome);
  }

  /**
   * Calls a function that a preloaded module exports in a child of its own, which lives until its event loop is empty.
   * What the function returns is ignored; standard streams are the caller's to use.
   *
   * @throws what spawn() throws
   */
  async spawnProcess(entry: Entry, options?: ProcessOptions): Promise<ChildProcess> {
    const checkedEntry = checkEntry(entry, this.#options.preload);
    const checked = checkProcessOptions(options);
    checked.signal?.throwIfAborted();
    this.#assertAlive();
    return startEntry(this.#context, checkedEntry, checked);
  }

  /** How often the zygote has been replaced by a new one; see {@link ZygoteOptions.rotation}. */
  get rotations(): number {
    return this.#succession.count;
  }

  /** Why the last try to replace it failed: the old one goes on serving, and it is tried again. */
  get rotationError(): Error | undefined {
    return this.#succession.error;
  }

  /** Ends the zygote and all its children, and waits until they are gone. */
  async close(): Promise<void> {
    this.#state.gone ??= 'closed';
    this.#forget();
    this.#succession.end();
    beginCall();
    const timer = setTimeout(() => {
      this.#succession.kill();
    }, CLOSE_TIMEOUT_MS);
    await this.#succession.ended();
    clearTimeout(timer);
    endCall();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertAlive(): void {
    const { gone } = this.#state;
    if (gone === undefined) return;
    // It knows how that came.
    if (gone === 'died') this.#succession.current.control.assertOpen();
    throw zygoteGone(gone);
  }
}
