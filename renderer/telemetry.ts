/**
 * What a Renderer says to the operator: log events, spans and metrics. Without an OpenTelemetry SDK and a logger nothing
 * comes of it, and it costs next to nothing.
 */
import {
  context,
  metrics,
  SpanStatusCode,
  trace,
  type Context,
  type Counter,
  type Histogram,
  type Meter,
  type ObservableCallback,
  type ObservableGauge,
  type ObservableResult,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Result } from '../lib/index.js';
import type { Logger, RendererStats, StepCall } from './types.js';

const NAME = 'nodespawner';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What became of a child; `failed` if there was none, or if its result could not be read. */
export type CallOutcome = Result['status'] | 'failed';

/** What is observed now and then. */
export interface Observed extends RendererStats {
  readonly parked: number;
}

type Attributes = Readonly<Record<string, string | number | boolean>>;

export class Telemetry {
  readonly log: Logger;
  readonly #tracer: Tracer = trace.getTracer(NAME);
  readonly #meter: Meter = metrics.getMeter(NAME);
  readonly #calls: Counter;
  readonly #steps: Counter;
  readonly #callMs: Histogram;
  readonly #queuedMs: Histogram;
  readonly #peakMemory: Histogram;
  readonly #gauges: [gauge: ObservableGauge, observe: ObservableCallback][];

  constructor(logger: Logger | undefined, observe: () => Observed) {
    this.log = logger ?? SILENT;
    const meter = this.#meter;
    this.#calls = meter.createCounter('nodespawner.calls', {
      description: 'Children that were run, by what became of them',
    });
    this.#steps = meter.createCounter('nodespawner.steps', {
      description: 'Steps that are done, by their status',
    });
    this.#callMs = meter.createHistogram('nodespawner.call.duration', {
      unit: 'ms',
      description: 'From the start of a child until its result was read',
    });
    this.#queuedMs = meter.createHistogram('nodespawner.call.queued', {
      unit: 'ms',
      description: 'How long a child waited for its turn',
    });
    this.#peakMemory = meter.createHistogram('nodespawner.call.memory', {
      unit: 'By',
      description: 'The largest resident set of a child',
    });
    const gauge = (
      name: string,
      unit: string,
      of: (observed: Observed) => readonly (readonly [value: number, attributes?: Attributes])[],
    ): [ObservableGauge, ObservableCallback] => [
      meter.createObservableGauge(name, { unit }),
      (result: ObservableResult) => {
        for (const [value, attributes] of of(observe())) result.observe(value, attributes);
      },
    ];
    this.#gauges = [
      gauge('nodespawner.children', '{child}', ({ children, parked }) => [
        [children.running, { state: 'running' }],
        [children.queued, { state: 'queued' }],
        [parked, { state: 'parked' }],
      ]),
      gauge('nodespawner.renderings', '{rendering}', ({ renderings }) => [[renderings]]),
      gauge('nodespawner.tables.memory', 'By', ({ tables }) => [[tables.memoryBytes]]),
      gauge('nodespawner.cache.size', 'By', ({ cache }) => [[cache.bytes]]),
      gauge('nodespawner.cache.lookups', '{lookup}', ({ cache }) => [
        [cache.hits, { result: 'hit' }],
        [cache.misses, { result: 'miss' }],
      ]),
    ];
    for (const [observable, callback] of this.#gauges) observable.addCallback(callback);
  }

  /** Runs the work within a span of its own, below that of the given context. */
  async span<T>(
    name: string,
    attributes: Attributes,
    parent: Context,
    work: (inner: Context, span: Span) => Promise<T>,
  ): Promise<T> {
    const span = this.#tracer.startSpan(`${NAME}.${name}`, { attributes }, parent);
    const inner = trace.setSpan(parent, span);
    try {
      return await context.with(inner, () => work(inner, span));
    } catch (error) {
      failSpan(span, error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      span.end();
    }
  }

  callEnded(call: StepCall, outcome: CallOutcome, queuedMs: number, ms: number, memoryBytes?: number): void {
    const attributes = { call, outcome };
    this.#calls.add(1, attributes);
    this.#callMs.record(ms, attributes);
    this.#queuedMs.record(queuedMs, { call });
    if (memoryBytes !== undefined) this.#peakMemory.record(memoryBytes, { call });
  }

  stepEnded(status: string, cached: boolean): void {
    this.#steps.add(1, { status, cached });
  }

  /** Another gauge, which is asked for when somebody looks. */
  observe(
    name: string,
    unit: string,
    ask: (observe: (value: number, attributes: Attributes) => void) => Promise<void>,
  ): void {
    const gauge = this.#meter.createObservableGauge(name, { unit });
    const callback: ObservableCallback = (result) =>
      ask((value, attributes) => {
        result.observe(value, attributes);
      });
    gauge.addCallback(callback);
    this.#gauges.push([gauge, callback]);
  }

  close(): void {
    for (const [observable, callback] of this.#gauges) observable.removeCallback(callback);
  }
}

/** What the one who asked is in. */
export function activeContext(): Context {
  return context.active();
}

export function failSpan(span: Span, message: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
