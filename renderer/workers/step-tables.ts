/** The tables that a step is given: out of the store, or made anew if they are gone from there. */
import type { Caller } from '../children.js';
import type { Source, StepNode } from '../plan.js';
import { runStep } from '../run-step.js';
import type { StepInputs, Workshop } from '../step.js';
import { HeldTable } from '../step-table.js';
import { isGone } from '../store/errors.js';
import type { TableRef } from '../store/types.js';
import type { StoredTable } from '../table-store.js';
import type { Telemetry } from '../telemetry.js';
import type { StepRefs } from './job-data.js';

export interface StepTablesOptions {
  readonly workshop: Workshop;
  readonly caller: Caller;
  readonly telemetry: Telemetry;
  /** Of a step that is done. */
  readonly refsOf: (node: StepNode) => Promise<StepRefs>;
}

/** Held until it is disposed of. */
export class StepTables implements Disposable {
  readonly #options: StepTablesOptions;
  readonly #held: StoredTable[] = [];

  constructor(options: StepTablesOptions) {
    this.#options = options;
  }

  /**
   * A table that a lifecycle rule has removed, or that is damaged, is made anew by its step, here, and put back, if it comes out as it
   * was: others have been given the one that is gone, and a result is never of two.
   *
   * @throws {StoreError}; what running a step throws; the reason of the signal
   */
  async hold(node: StepNode, { table, inputs }: StepRefs): Promise<Pick<StepInputs, 'table' | 'inputs'>> {
    const others = new Map<string, StoredTable>();
    for (const [name, ref] of Object.entries(inputs))
      others.set(name, await this.#hold(node.inputs.get(name), ref));
    return { table: table && (await this.#hold(node.table, table)), inputs: others };
  }

  async #hold(source: Source | undefined, ref: TableRef): Promise<StoredTable> {
    const { workshop, caller } = this.#options;
    let stored;
    try {
      stored = await workshop.tables.tableOf(ref, caller.signal);
    } catch (error) {
      if (!isGone(error) || source === undefined || 'input' in source) throw error;
      stored = await this.#made(source.node, ref, error);
    }
    this.#held.push(stored);
    return stored;
  }

  async #made(node: StepNode, { hash }: TableRef, gone: Error): Promise<StoredTable> {
    const { workshop, caller, telemetry, refsOf } = this.#options;
    const fields = { event: 'table.gone', workflow: caller.workflow, step: node.step.id, err: gone };
    telemetry.log.warn(fields, 'a table is gone from the store, and is made anew');
    using tables = new StepTables(this.#options);
    const report = await runStep(
      workshop,
      node,
      // What is run is not the step that was asked for.
      { ...caller, onStarted: () => undefined },
      async () => ({ ...(await tables.hold(node, await refsOf(node))), refetch: false }),
      (error) => {
        throw error;
      },
    );
    caller.signal.throwIfAborted();
    if (report.status !== 'ok' || !(report.table instanceof HeldTable)) throw gone;
    using made = report.table;
    if (made.hash !== hash) {
      telemetry.log.warn({ ...fields, event: 'table.other' }, 'a table that was made anew is another one');
      throw gone;
    }
    return made.stored.hold();
  }

  [Symbol.dispose](): void {
    for (const stored of this.#held) stored.release();
    this.#held.length = 0;
  }
}
