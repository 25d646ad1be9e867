/** One step, when its inputs are there: looks at its module, migrates and checks its params, fetches, renders. */
import type { PlainValue, Result, SharedTable } from '../lib/index.js';
import { UnsupportedValueError, ValueTooLargeError } from '../lib/index.js';
import { forgetMemory } from '../lib/table-memory.js';
import type { Caller, CallRequest, Children, Confined } from './children.js';
import { digestOf } from './digest.js';
import { readExports, readGiven, readParams } from './given.js';
import { badModule, badResult, failureMessage } from './messages.js';
import { cannotBeSent, checkParams } from './params.js';
import { filenameOf } from './place.js';
import type { Hit, Kept, ResultCache } from './result-cache.js';
import { describeTable } from './step-table.js';
import type { Flights } from './store/flights.js';
import type { TableExchange } from './store/table-exchange.js';
import type { StoredTable, TableStore } from './table-store.js';
import type { CallReport, Message, Step, StepCall, Validation } from './types.js';

/** What a Renderer has for all its steps. */
export interface Workshop {
  readonly children: Children;
  readonly cache: ResultCache;
  readonly store: TableStore;
  readonly tables: TableExchange;
  readonly steps: Confined;
  readonly fetch: Confined;
  /** What is looked at now, by its code. */
  readonly validations: Flights<Hit>;
}

export interface StepInputs {
  readonly table: StoredTable | undefined;
  /** By the names that `context.inputs` has. */
  readonly inputs: ReadonlyMap<string, StoredTable>;
  /** Whether to fetch again what was fetched before. */
  readonly refetch: boolean;
}

/** With a hold on the table, if there is one. */
export type StepOutcome = {
  readonly value: PlainValue;
  readonly warnings: readonly Message[];
} & (
  | { readonly errors: readonly Message[] }
  | { readonly errors?: undefined; readonly kept: Kept; readonly stored: StoredTable }
);

/** The step can't go on: what its user is told. */
class StepFailure extends Error {
  readonly errors: readonly Message[];
  readonly warnings: readonly Message[];
  readonly value: PlainValue;

  constructor(errors: readonly Message[], warnings: readonly Message[] = [], value: PlainValue = null) {
    super('the step has errors');
    this.errors = errors;
    this.warnings = warnings;
    this.value = value;
  }
}

/** What of a result is kept, or a StepFailure. */
type Reading = (result: Extract<Result, { status: 'ok' }>) => Promise<Hit>;

export class StepRun {
  /** The children that were run. */
  readonly calls: CallReport[] = [];
  stdout = '';
  stderr = '';
  readonly #workshop: Workshop;
  readonly #step: Step;
  readonly #caller: Caller;

  constructor(workshop: Workshop, step: Step, caller: Caller) {
    this.#workshop = workshop;
    this.#step = step;
    this.#caller = caller;
  }

  /** What its module exports, and what is wrong with it. */
  async validate(): Promise<Validation> {
    try {
      const { exports, others } = await this.#exports();
      const ok = exports.includes('render') || exports.includes('fetch');
      return { ok, exports, errors: ok ? [] : [badModule(this.#step, others)] };
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      return { ok: false, exports: [], errors: error.errors };
    }
  }

  /** @throws the reason of the caller's signal; what is the host's fault */
  async run(inputs: StepInputs): Promise<StepOutcome> {
    try {
      return await this.#run(inputs);
    } catch (error) {
      if (error instanceof StepFailure) return error;
      throw error;
    }
  }

  async #run({ table, inputs, refetch }: StepInputs): Promise<StepOutcome> {
    const { exports, others } = await this.#exports();
    if (!exports.includes('render') && !exports.includes('fetch')) {
      throw new StepFailure([badModule(this.#step, others)]);
    }
    const params = await this.#params(exports.includes('migrateParams'));
    const fetched = exports.includes('fetch') ? await this.#fetch(params, refetch) : undefined;
    if (!exports.includes('render')) return toOutcome(fetched);
    try {
      const tables = new Map<string, StoredTable>();
      if (table !== undefined) tables.set('table', table);
      if (fetched?.stored !== undefined) tables.set('fetched', fetched.stored);
      for (const [name, input] of inputs) tables.set(`input:${name}`, input);
      const job = fetched === undefined ? { params } : { params, fetched: { value: fetched.kept.value } };
      const rendered = await this.#call('render', job, tables, this.#workshop.steps, false, (result) =>
        this.#given(result, 'render'),
      );
      return toOutcome(rendered, fetched?.kept.warnings);
    } finally {
      fetched?.stored?.release();
    }
  }

  async #exports(): Promise<ReturnType<typeof readExports>> {
    const key = JSON.stringify([filenameOf(this.#step), this.#step.code]);
    const { kept } = await this.#workshop.validations.join(key, this.#caller.signal, (signal) =>
      this.#call(
        'validate',
        { params: null },
        new Map(),
        this.#workshop.steps,
        false,
        (result) => Promise.resolve({ kept: { value: result.value, warnings: [] }, stored: undefined }),
        signal,
      ),
    );
    return readExports(kept.value);
  }

  async #params(migrates: boolean): Promise<PlainValue> {
    const given = this.#step.params ?? {};
    const params = migrates ? await this.#migrate(given) : given;
    const checked = await checkParams(this.#step.schema, params);
    if ('errors' in checked) throw new StepFailure(checked.errors);
    return checked.value as PlainValue;
  }

  async #migrate(params: unknown): Promise<PlainValue> {
    const { kept } = await this.#call(
      'migrateParams',
      { params },
      new Map(),
      this.#workshop.steps,
      false,
      (result) => {
        const read = readParams(result.value);
        if ('bad' in read) throw new StepFailure([badResult(read.bad, 'migrateParams')]);
        return Promise.resolve({ kept: { value: read.params, warnings: [] }, stored: undefined });
      },
    );
    return kept.value;
  }

  #fetch(params: PlainValue, refetch: boolean): Promise<Hit> {
    return this.#call('fetch', { params }, new Map(), this.#workshop.fetch, refetch, (result) =>
      this.#given(result, 'fetch'),
    );
  }

  async #given({ value, tables }: Extract<Result, { status: 'ok' }>, call: StepCall): Promise<Hit> {
    const given = readGiven(value, this.#step);
    if ('bad' in given) throw new StepFailure([badResult(given.bad, call)]);
    if (given.errors.length > 0) throw new StepFailure(given.errors, given.warnings, given.value);
    const { table, ...others } = tables;
    if (table === undefined || Object.keys(others).length > 0) {
      throw new StepFailure([badResult('it gave no table, or several', call)]);
    }
    const stored = await this.#workshop.store.add(table);
    const kept = { value: given.value, warnings: given.warnings, table: describeTable(table, stored) };
    return { kept, stored };
  }

  /** Out of the cache, or by a child. */
  async #call(
    call: StepCall,
    job: { readonly params: unknown; readonly fetched?: { readonly value: PlainValue } },
    tables: ReadonlyMap<string, StoredTable>,
    confined: Confined,
    anew: boolean,
    read: Reading,
    signal = this.#caller.signal,
  ): Promise<Hit> {
    const { cache } = this.#workshop;
    const key = await this.#keyOf(call, job, tables, confined);
    signal.throwIfAborted();
    const known = anew ? undefined : await cache.get(key, confined.limits.maxTableBytes, signal);
    if (known !== undefined) return known;
    const result = await this.#workshop.store.withRoom(() =>
      lent(tables, (shared) =>
        this.#child({ call, step: this.#step, params: job, tables: shared }, confined, signal),
      ),
    );
    if (result.status === 'ok') {
      let hit;
      try {
        hit = await read(result);
      } finally {
        // Who needs it from here on holds it in the store, and says when it is over; of these nobody ever would.
        for (const table of Object.values(result.tables)) forgetMemory(table);
      }
      try {
        await cache.put(key, hit.kept, hit.stored, signal);
      } catch (error) {
        hit.stored?.release();
        throw error;
      }
      return hit;
    }
    if (result.status === 'canceled') {
      signal.throwIfAborted();
      throw result.reason;
    }
    throw new StepFailure([failureMessage(result, call, this.#step, confined.limits.memoryBytes)]);
  }

  async #keyOf(
    call: StepCall,
    job: object,
    tables: ReadonlyMap<string, StoredTable>,
    confined: Confined,
  ): Promise<string> {
    const environment = await confined.zygotes.environment;
    const hashes = Object.fromEntries([...tables].map(([name, { hash }]) => [name, hash]));
    const { code } = this.#step;
    try {
      return digestOf(
        { call, environment, code, filename: filenameOf(this.#step), tables: hashes, job },
        'step',
      );
    } catch (error) {
      if (!(error instanceof UnsupportedValueError) && !(error instanceof ValueTooLargeError)) throw error;
      throw new StepFailure([cannotBeSent(error)]);
    }
  }

  async #child(request: CallRequest, confined: Confined, signal: AbortSignal): Promise<Result> {
    const { result, queuedMs } = await this.#workshop.children.run(request, confined, {
      ...this.#caller,
      signal,
    });
    this.calls.push({ call: request.call, queuedMs, usage: result.usage });
    this.stdout += result.stdout?.text ?? '';
    this.stderr += result.stderr?.text ?? '';
    return result;
  }
}

/** As children are given them, until the end. */
async function lent<T>(
  tables: ReadonlyMap<string, StoredTable>,
  then: (shared: Readonly<Record<string, SharedTable>>) => Promise<T>,
): Promise<T> {
  const shared = Object.create(null) as Record<string, SharedTable>;
  const all = [...tables];
  const next = (at: number): Promise<T> => {
    const [name, table] = all[at] ?? [];
    if (name === undefined || table === undefined) return then(shared);
    return table.use((one) => {
      shared[name] = one;
      return next(at + 1);
    });
  };
  return next(0);
}

function toOutcome(hit: Hit | undefined, earlier: readonly Message[] = []): StepOutcome {
  if (hit?.stored === undefined) throw new Error('what fetch and render give has a table');
  const { kept, stored } = hit;
  return { value: kept.value, warnings: [...earlier, ...kept.warnings], kept, stored };
}
