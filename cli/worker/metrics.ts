/** All metrics of OpenTelemetry, in the text that Prometheus reads. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { metrics } from '@opentelemetry/api';
import { note } from '../output.js';

/** @returns undefined if the packages are not installed that it takes */
export async function startMetrics(): Promise<
  ((request: IncomingMessage, response: ServerResponse) => void) | undefined
> {
  try {
    const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus');
    const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
    const exporter = new PrometheusExporter({ preventServerStart: true });
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }));
    return (request, response) => {
      exporter.getMetricsRequestHandler(request, response);
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    note('no /metrics: install @opentelemetry/exporter-prometheus and @opentelemetry/sdk-metrics');
    return undefined;
  }
}
