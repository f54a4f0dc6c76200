import { setTimeout as delay } from 'node:timers/promises';
import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricsReport } from './server-metrics.js';

/*
 * What needs prom-client. Import this when somebody asks for metrics: loading it takes as long as a tenth of the start
 * of a server.
 */

/** How often the delay of the event loop is looked at, in milliseconds. */
const EVENT_LOOP_INTERVAL = 10;

const PROCESS = new Registry();
collectDefaultMetrics({ register: PROCESS, eventLoopMonitoringPrecision: EVENT_LOOP_INTERVAL });
// Before the event loop was looked at, its delays are no numbers.
await delay(2 * EVENT_LOOP_INTERVAL);

/** The figures of Node.js and of this process; the delays of its event loop from the first call on. */
export async function processReport(): Promise<MetricsReport> {
  return asReport(PROCESS);
}

/** One report with the sums of several. */
export async function mergeReports(reports: readonly MetricsReport[]): Promise<MetricsReport> {
  return asReport(AggregatorRegistry.aggregate([...reports]));
}

async function asReport(registry: Registry): Promise<MetricsReport> {
  // Its declared type has the kinds as numbers and lacks the names of values.
  return (await registry.getMetricsAsJSON()) as unknown as MetricsReport;
}

/** The reports of all processes that serve a store as one page in Prometheus's text format. */
export function exposition(reports: readonly MetricsReport[]): Promise<string> {
  return AggregatorRegistry.aggregate([...reports]).metrics();
}

/** The media type of {@link exposition}. */
export const EXPOSITION_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
