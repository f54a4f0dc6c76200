import type { MetricsReport, ReportedMetric } from './server-metrics.js';

/** Upper bounds of the buckets of request times, in seconds: from a small read to a large upload. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300] as const;

/** The status of a reply that was not sent to its end, because a stream broke or the client went away. */
export const CUT = 'cut';

/** The requests of one method to one route. */
interface Series {
  readonly method: string;
  readonly route: string;
  readonly statuses: Map<number | typeof CUT, number>;
  /** Requests by the first bucket that they fit into; the last one takes all others. */
  readonly buckets: number[];
  seconds: number;
}

/**
 * Counts requests by route, method and status, and their times. Plain counters, which are put into Prometheus's form
 * when they are asked for: one GET of 4 KiB takes 26 µs, of which prom-client's labelled counter and histogram would
 * be 2 µs, and these 0.2 µs.
 */
export class RequestMetrics {
  readonly #series = new Map<string, Series>();
  /** Route templates by the first component of their path. */
  readonly #routes = new Map<string, string>();

  /** Counts requests below the first component of `url` as those of route `url`. */
  addRoute(url: string): void {
    const endpoint = endpointOf(url);
    const known = this.#routes.get(endpoint);
    if (known === undefined || known.length < url.length) this.#routes.set(endpoint, url);
  }

  /** Counts a request that has been answered, or was given up. */
  record(method: string, url: string, status: number | typeof CUT, seconds: number): void {
    // Methods are those that node's parser knows and routes those of the application: clients cannot add series.
    const route = this.#routes.get(endpointOf(url)) ?? 'other';
    const key = `${method} ${route}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = {
        method,
        route,
        statuses: new Map(),
        buckets: Array<number>(BUCKETS.length + 1).fill(0),
        seconds: 0,
      };
      this.#series.set(key, series);
    }
    series.statuses.set(status, (series.statuses.get(status) ?? 0) + 1);
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] as number)) bucket++;
    series.buckets[bucket] = (series.buckets[bucket] as number) + 1;
    series.seconds += seconds;
  }

  /** The counts so far, in prom-client's form. */
  report(): MetricsReport {
    const all = [...this.#series.values()];
    return [
      {
        name: 'filetracker_requests_total',
        help: 'Requests answered, by route, method and status; "cut" when the reply was not sent to its end.',
        type: 'counter',
        aggregator: 'sum',
        values: all.flatMap(({ route, method, statuses }) =>
          [...statuses].map(([status, value]) => ({
            value,
            labels: { route, method, status: String(status) },
          })),
        ),
      },
      {
        name: TIME_METRIC,
        help: 'Time from the head of a request to the end of its reply, by route and method.',
        type: 'histogram',
        aggregator: 'sum',
        values: all.flatMap(timesOf),
      },
    ];
  }
}

const TIME_METRIC = 'filetracker_request_duration_seconds';

function timesOf({ route, method, buckets, seconds }: Series): ReportedMetric['values'] {
  const labels = { route, method };
  let count = 0;
  const cumulative = buckets.map((requests, index) => {
    count += requests;
    return {
      metricName: `${TIME_METRIC}_bucket`,
      value: count,
      labels: { le: BUCKETS[index] ?? '+Inf', ...labels },
    };
  });
  return [
    ...cumulative,
    { metricName: `${TIME_METRIC}_sum`, value: seconds, labels },
    { metricName: `${TIME_METRIC}_count`, value: count, labels },
  ];
}

/** `files` of `/files/a/b?c`. */
function endpointOf(url: string): string {
  let end = 1;
  for (; end < url.length; end++) {
    const character = url.charCodeAt(end);
    if (character === SLASH || character === QUESTION_MARK) break;
  }
  return url.slice(1, end);
}

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
