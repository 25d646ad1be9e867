/** The zygote of a kind of child, which is started when it is first needed, and again when it has died. */
import { fileURLToPath } from 'node:url';
import { Zygote, type Adapter, type ZygoteOptions } from '../lib/index.js';
import { environmentOf } from './environment.js';
import { RendererClosedError } from './errors.js';

/** What calls the functions of steps, in the child. */
const ADAPTER_MODULE = fileURLToPath(new URL('step-adapter.cjs', import.meta.url));
export const ADAPTER: Adapter = Object.freeze({ module: ADAPTER_MODULE, export: 'callStep' });

const ARROW = 'apache-arrow';

export class ZygoteSource {
  readonly #options: ZygoteOptions;
  #current: Promise<Zygote> | undefined;
  #zygote: Zygote | undefined;
  #environment: Promise<string> | undefined;
  #closed = false;

  constructor(options: ZygoteOptions) {
    const { preload = [] } = options;
    // After all others, which may bring a copy of apache-arrow of their own.
    const modules = preload.includes(ARROW) ? preload : [ARROW, ...preload];
    this.#options = { ...options, preload: [...modules, ADAPTER_MODULE] };
  }

  /** What results of its children depend on. */
  get environment(): Promise<string> {
    return (this.#environment ??= environmentOf(this.#options));
  }

  /** How many children are parked. */
  get parked(): number {
    return this.#zygote?.isAlive === true ? this.#zygote.parked : 0;
  }

  /**
   * One that is alive.
   *
   * @throws {ZygoteStartError | InvalidOptionError}
   */
  get(): Promise<Zygote> {
    if (this.#zygote?.isAlive === false) this.#current = undefined;
    return (this.#current ??= this.#start());
  }

  async #start(): Promise<Zygote> {
    if (this.#closed) throw new RendererClosedError();
    try {
      return (this.#zygote = await Zygote.start(this.#options));
    } catch (error) {
      // The next one who asks tries again.
      this.#current = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const zygote = await this.#current?.catch(() => undefined);
    await zygote?.close();
  }
}
