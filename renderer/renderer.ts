/** The Renderer: what it has, and what is being rendered. */
import { setMaxListeners } from 'node:events';
import { Reader, fail, list, text, type Check } from '../lib/reader.js';
import type { Engine } from './engine.js';
import { RenderCanceledError, RendererClosedError } from './errors.js';
import { LocalEngine } from './local-engine.js';
import { checkQueuedOptions, checkRendererOptions, type WorkflowLimits } from './options.js';
import { makePlan, type Plan } from './plan.js';
import { priorityNumber } from './priority.js';
import { WorkflowRendering } from './rendering.js';
import { activeContext } from './telemetry.js';
import type {
  CloseOptions,
  RendererOptions,
  RendererStats,
  Rendering,
  RenderOptions,
  Step,
  Validation,
  Workflow,
} from './types.js';
import { QueueEngine } from './workers/queue-engine.js';

const objectOf: Check<NonNullable<RenderOptions['inputs']>> = (value, name) =>
  typeof value === 'object' && value !== null
    ? (value as NonNullable<RenderOptions['inputs']>)
    : fail(name, 'an object of tables', value);

const abortSignal: Check<AbortSignal | undefined> = (value, name) =>
  value instanceof AbortSignal ? value : fail(name, 'an AbortSignal', value);

const refetched: Check<boolean | readonly string[]> = (value, name) =>
  typeof value === 'boolean' ? value : list(text, 'ids of steps')(value, name);

function checkRefetched(refetch: boolean | readonly string[], { nodes }: Plan): void {
  if (typeof refetch === 'boolean') return;
  const ids = nodes.map(({ step }) => step.id);
  for (const [index, each] of refetch.entries())
    if (!ids.includes(each)) fail(`options.refetch[${index}]`, 'the id of a step', each);
}

/**
 * Renders workflows: runs their steps in children, hands tables from one to the next, and keeps results. Closing it, or
 * disposing of it, ends all that it has started.
 */
export class Renderer implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #limits: WorkflowLimits;
  /** By the ids of their workflows. */
  readonly #renderings: Map<string, WorkflowRendering>;
  /** All that is under way. */
  readonly #pending = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, renderings: Map<string, WorkflowRendering>, limits: WorkflowLimits) {
    setMaxListeners(0, this.#abort.signal);
    this.#engine = engine;
    this.#limits = limits;
    this.#renderings = renderings;
  }

  /**
   * Starts one, with the zygote that most steps need; that of `fetch`, if it has its own, is started when it is needed unless it is
   * `eager`, as it is with a network.
   *
   * With a queue, none is started here: workers have them.
   *
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`; {ZygoteStartError}; what making the folder of the cache fails with;
   *   {QueueError} `ERR_QUEUE_UNAVAILABLE`, `ERR_QUEUE_PACKAGE`
   */
  static async start(options?: RendererOptions): Promise<Renderer> {
    const renderings = new Map<string, WorkflowRendering>();
    const count = (): number => renderings.size;
    if (options?.queue === undefined) {
      const checked = checkRendererOptions(options);
      return new Renderer(await LocalEngine.start(checked, count), renderings, checked.workflows);
    }
    const checked = checkQueuedOptions(options);
    return new Renderer(await QueueEngine.start(checked, count), renderings, checked.workflows);
  }

  /**
   * Begins to render a workflow, and cancels what is being rendered of an older version of it (the same id).
   *
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION` for what is no workflow; {RendererClosedError}
   */
  render(workflow: Workflow, options?: RenderOptions): Rendering {
    this.#assertOpen();
    const reader = new Reader(options, 'options');
    const inputs = reader.get('inputs', objectOf, {});
    const request = {
      plan: makePlan(workflow, Object.keys(inputs), this.#limits),
      inputs,
      signal: reader.get<AbortSignal | undefined>('signal', abortSignal, undefined),
      refetch: reader.get('refetch', refetched, false),
      priority: reader.get('priority', priorityNumber, 0),
      context: activeContext(),
    };
    reader.end();
    checkRefetched(request.refetch, request.plan);
    const { id } = request.plan.workflow;
    this.#renderings.get(id)?.cancel(new RenderCanceledError('superseded'));
    const rendering = new WorkflowRendering(this.#engine, request);
    this.#renderings.set(id, rendering);
    const forget = (): void => {
      if (this.#renderings.get(id) === rendering) this.#renderings.delete(id);
    };
    this.#track(rendering.then(forget, forget));
    return rendering;
  }

  /**
   * Looks at the code of a step, in a child: whether it compiles and loads, and what it exports.
   *
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`; {RendererClosedError}; what is the host's fault
   */
  async validate(
    code: string,
    options?: Pick<Step, 'filename'> & { readonly signal?: AbortSignal },
  ): Promise<Validation> {
    this.#assertOpen();
    const reader = new Reader(options, 'options');
    const filename = reader.get('filename', text, 'step.js');
    const signal = reader.get<AbortSignal | undefined>('signal', abortSignal, undefined);
    reader.end();
    if (typeof code !== 'string') fail('code', 'a string', code);
    const validation = this.#engine.validate(
      { id: filename, code, filename },
      signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]),
    );
    this.#track(validation);
    return validation;
  }

  /** What it has done and is doing. */
  get stats(): RendererStats {
    return this.#engine.statsOf(this.#renderings.size);
  }

  /**
   * Takes nothing new, finishes or cancels what is being rendered, writes what is to be kept, and ends the zygotes.
   * Tables of reports stay readable. To drain can be changed to canceling by closing again.
   */
  async close({ drain = false }: CloseOptions = {}): Promise<void> {
    const isFirst = this.#closing === undefined;
    this.#closing ??= Promise.resolve();
    if (!drain) {
      const reason = new RenderCanceledError('closed');
      for (const rendering of this.#renderings.values()) rendering.cancel(reason);
      this.#abort.abort(reason);
    }
    if (isFirst) this.#closing = this.#end();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.#engine.close();
  }

  #track(pending: Promise<unknown>): void {
    const forget = (): void => {
      this.#pending.delete(settled);
    };
    const settled = pending.then(forget, forget);
    this.#pending.add(settled);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new RendererClosedError();
  }
}
