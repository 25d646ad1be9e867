// What an operator sees: spans, metrics and log events, with the SDKs that operators use.
import { Writable } from 'node:stream';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import t from 'tap';
import type { StandardSchema } from '../../lib/index.js';
import { linear, source, startRenderer, step } from '../helpers/renderer.js';

const spans = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
t.teardown(() => reader.shutdown());

const lines: Record<string, unknown>[] = [];
const logger = pino(
  { level: 'debug' },
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  }),
);
const renderer = await startRenderer(t, { logger });

let inSchema: string | undefined;
const schema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      inSchema = trace.getActiveSpan()?.spanContext().spanId;
      return { value };
    },
  },
};
const tracer = trace.getTracer('test');
await tracer.startActiveSpan('caller', async (span) => {
  using report = await renderer.render(
    linear(
      source('one'),
      step('two', 'return table;', { schema }),
      step('bad', 'process.exit(1);'),
      source('after'),
    ),
  );
  t.equal(report.status, 'error');
  span.end();
});

const byName = (name: string, of?: string): ReadableSpan => {
  const found = spans
    .getFinishedSpans()
    .find((span) => span.name === name && (of === undefined || span.attributes['nodespawner.step'] === of));
  if (found === undefined) throw new Error(`no span ${name}`);
  return found;
};

t.test('each call is a span within its step, which is one within its rendering, within the caller', (t) => {
  const rendering = byName('nodespawner.render');
  t.equal(rendering.parentSpanContext?.spanId, byName('caller').spanContext().spanId);
  for (const id of ['one', 'two', 'bad']) {
    const stepSpan = byName('nodespawner.step', id);
    t.equal(stepSpan.parentSpanContext?.spanId, rendering.spanContext().spanId, id);
    const call = byName('nodespawner.call render', id);
    t.equal(call.parentSpanContext?.spanId, stepSpan.spanContext().spanId);
  }
  t.match(byName('nodespawner.call render', 'bad'), {
    attributes: { 'nodespawner.outcome': 'exited' },
    status: { message: 'exited' },
  });
  t.match(byName('nodespawner.step', 'bad').attributes, { 'nodespawner.status': 'error' });
  t.equal(
    inSchema,
    byName('nodespawner.step', 'two').spanContext().spanId,
    "a schema's own spans are below its step",
  );
  t.end();
});

t.test('calls, their times and outcomes, steps, children and memory are measured', async (t) => {
  await reader.forceFlush();
  const measured = new Map(
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      .map((metric) => [metric.descriptor.name, metric.dataPoints as DataPoint<number | Histogram>[]]),
  );
  const value = (name: string, attributes: object): unknown =>
    measured
      .get(name)
      ?.find((point) => Object.entries(attributes).every(([key, wanted]) => point.attributes[key] === wanted))
      ?.value;
  t.equal(value('nodespawner.calls', { call: 'render', outcome: 'ok' }), 2);
  t.equal(value('nodespawner.calls', { call: 'render', outcome: 'exited' }), 1);
  t.equal(value('nodespawner.calls', { call: 'validate', outcome: 'ok' }), 3);
  t.equal(value('nodespawner.steps', { status: 'ok', cached: false }), 2);
  t.equal(value('nodespawner.steps', { status: 'unreachable' }), 1);
  t.match(value('nodespawner.call.duration', { call: 'render', outcome: 'ok' }), { count: 2 });
  t.match(value('nodespawner.call.queued', { call: 'render' }), { count: 3 });
  t.match(value('nodespawner.call.memory', { call: 'render' }), { count: 3 });
  for (const state of ['running', 'queued', 'parked'])
    t.type(value('nodespawner.children', { state }), 'number', state);
  t.ok((value('nodespawner.tables.memory', {}) as number) > 0);
  t.equal(value('nodespawner.cache.lookups', { result: 'miss' }), 6);
});

t.test('each call and each rendering is a log event with fields', (t) => {
  const calls = lines.filter(({ event }) => event === 'call');
  t.equal(calls.length, 6);
  t.match(
    calls.find(({ outcome }) => outcome === 'exited'),
    {
      level: 30,
      workflow: 'workflow',
      step: 'bad',
      call: 'render',
      exitCode: 1,
      usage: { peakMemoryBytes: Number },
      msg: 'render is exited',
    },
  );
  t.match(
    lines.filter(({ event }) => event === 'render'),
    [{ level: 30, workflow: 'workflow', status: 'error' }],
  );
  t.end();
});
