import { damagedContents, type FileStore, type StoreStatus } from '../store/file-store.js';
import { RequestMetrics } from './request-metrics.js';
import { Traffic } from './traffic.js';

/** A metric in the form of prom-client's JSON: plain data, which may travel between processes. */
export interface ReportedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** How the figures of several processes become one. */
  readonly aggregator: 'sum' | 'first';
  readonly values: readonly ReportedValue[];
}

interface ReportedValue {
  /** That of the metric if it is left out; histograms have three. */
  readonly metricName?: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
}

/** The figures of one process. */
export type MetricsReport = readonly ReportedMetric[];

/** Everything that this process counts for Prometheus. */
export class ServerMetrics {
  readonly requests = new RequestMetrics();
  readonly traffic = new Traffic();

  constructor(private readonly store: Pick<FileStore, 'status'>) {}

  async report(): Promise<MetricsReport> {
    const { processReport } = await import('./prometheus.js');
    const [status, process] = await Promise.all([this.store.status(), processReport()]);
    const { accepted, refused, open, received, sent } = this.traffic.figures();
    return [
      ...this.requests.report(),
      counter('filetracker_connections_accepted_total', 'Connections accepted.', accepted),
      counter('filetracker_connections_refused_total', 'Connections beyond the limit.', refused),
      sum('filetracker_connections', 'Connections open now.', open),
      counter('filetracker_received_bytes_total', 'Bytes received, headers included.', received),
      counter('filetracker_sent_bytes_total', 'Bytes sent, headers included.', sent),
      store('filetracker_files', 'Names in the store.', status.files),
      store('filetracker_contents', 'Distinct contents in the store.', status.contents),
      store('filetracker_logical_bytes', 'Plain bytes, counted for each name.', status.logicalBytes),
      store('filetracker_content_bytes', 'Plain bytes, counted once for each content.', status.contentBytes),
      store('filetracker_kept_versions', 'Versions of the past that are kept.', status.keptVersions),
      store('filetracker_kept_bytes', 'Plain bytes, counted for each of these.', status.keptBytes),
      store('filetracker_stored_bytes', 'Bytes of the stored copies.', status.storedBytes),
      store('filetracker_garbage_contents', 'Yet to be deleted, counted up to 1,000.', status.garbage),
      store('filetracker_free_bytes', "Room left on the store's disk.", status.freeBytes),
      ...quotas(status.quotas),
      ...checkpoint(status.checkpoint),
      store(
        'filetracker_damaged_contents',
        'Found by scrubbing, in the last pass or the one under way.',
        damagedContents(status.scrub),
      ),
      ...lastScrub(status.scrub),
      ...process,
    ];
  }
}

function counter(name: string, help: string, value: number): ReportedMetric {
  return { name, help, type: 'counter', aggregator: 'sum', values: [{ value, labels: {} }] };
}

function sum(name: string, help: string, value: number): ReportedMetric {
  return { name, help, type: 'gauge', aggregator: 'sum', values: [{ value, labels: {} }] };
}

/** A figure of the store, which is the same for every process. */
function store(name: string, help: string, value: number): ReportedMetric {
  return { name, help, type: 'gauge', aggregator: 'first', values: [{ value, labels: {} }] };
}

function quotas(states: StoreStatus['quotas']): readonly ReportedMetric[] {
  if (states.length === 0) return [];
  const gauge = (name: string, help: string, figure: 'used' | 'most'): ReportedMetric => ({
    ...store(name, help, 0),
    values: states.map((state) => ({
      value: state[figure],
      labels: { directory: `/${state.directory}`, unit: state.unit },
    })),
  });
  return [
    gauge('filetracker_quota_used', 'What is stored in a directory with a quota.', 'used'),
    gauge('filetracker_quota_limit', 'The most that may be stored in it.', 'most'),
  ];
}

function checkpoint(last: StoreStatus['checkpoint']): readonly ReportedMetric[] {
  if (!last) return [];
  const help = 'When the newest copy of the metadata was taken.';
  return [store('filetracker_last_checkpoint_timestamp_seconds', help, last.time / 1000)];
}

function lastScrub(scrub: StoreStatus['scrub']): readonly ReportedMetric[] {
  if (!scrub?.last) return [];
  const help = 'When all contents had been verified last.';
  return [store('filetracker_last_scrub_timestamp_seconds', help, scrub.last.finished / 1000)];
}
