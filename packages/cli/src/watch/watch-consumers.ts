import { spawn } from 'node:child_process';
import type { Server } from 'node:http';
import type { BytePath, Catalog, RecordedBatch, WatchEvent } from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import type { Output } from '../output/output.js';
import { WatchView } from '../output/watch-view.js';
import type { AlertRule } from './alert-rule.js';
import { ExecTrigger } from './exec-trigger.js';
import { type Alert, GrowthAlerts } from './growth-alerts.js';
import type { ListenAddress } from './listen-address.js';
import { serveMetrics } from './metrics-server.js';
import { WatchMetrics } from './watch-metrics.js';

/** What is to be done with what watches tell, besides showing it. */
export interface ConsumerOptions {
  readonly exec?: string;
  /** Paths for `exec` end with NUL. */
  readonly null?: true;
  readonly alert: readonly AlertRule[];
  readonly alertExec?: string;
  readonly listen?: ListenAddress;
}

/** Everybody who wants to know what watches tell. */
export class WatchConsumers {
  readonly #view: WatchView;
  readonly #trigger: ExecTrigger | undefined;
  readonly #alerts: readonly GrowthAlerts[];
  readonly #metrics: WatchMetrics;
  #server: Server | undefined;

  private constructor(
    private readonly catalog: Catalog,
    private readonly output: Output,
    private readonly options: ConsumerOptions & { readonly shownRoots: ReadonlyMap<BytePath, string> },
  ) {
    this.#view = new WatchView(output, catalog);
    const separator = options.null ? '\0' : '\n';
    this.#trigger =
      options.exec === undefined ? undefined : new ExecTrigger(options.exec, { catalog, output, separator });
    this.#alerts = options.alert.map((rule) => new GrowthAlerts(rule));
    this.#metrics = new WatchMetrics([...options.shownRoots.values()]);
  }

  /** Gets everything ready; {@link close} ends it. */
  static async open(
    catalog: Catalog,
    output: Output,
    options: ConsumerOptions & { readonly roots: readonly BytePath[] },
  ): Promise<WatchConsumers> {
    const shownRoots = new Map(options.roots.map((root) => [root, displayPath(root)]));
    const consumers = new WatchConsumers(catalog, output, { ...options, shownRoots });
    if (options.listen) {
      const { server, url } = await serveMetrics(consumers.#metrics, options.listen);
      consumers.#server = server;
      if (output.json) output.result(undefined, { kind: 'listening', url });
      else output.note(`metrics at ${url}/metrics`);
    }
    return consumers;
  }

  /** Takes an event. */
  async take(event: WatchEvent): Promise<void> {
    this.#metrics.add(this.#shown(event.root), event);
    await this.#view.show(event);
    if (event.kind !== 'batch') return;
    this.#trigger?.add(event.batch);
    if (this.#alerts.length > 0) await this.#checkGrowth(event.root, event.batch);
  }

  /** Waits for the command that runs and stops answering. */
  async close(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
    await this.#trigger?.idle();
  }

  async #checkGrowth(root: BytePath, batch: RecordedBatch): Promise<void> {
    const { changedPlaces } = await import('@filetracker/catalog');
    const limit = Number.POSITIVE_INFINITY;
    const places = await changedPlaces(this.catalog, batch, { root, limit });
    for (const alerts of this.#alerts) {
      for (const alert of alerts.add(places, batch.recordedAt)) this.#raise(root, alert);
    }
  }

  #raise(root: BytePath, alert: Alert): void {
    this.#metrics.addAlert(this.#shown(root));
    this.#view.showAlert(alert);
    const { alertExec } = this.options;
    if (alertExec === undefined) return;
    const env = {
      ...process.env,
      FILETRACKER_ALERT_PATH: displayPath(alert.path),
      FILETRACKER_ALERT_BYTES: String(alert.bytes),
      FILETRACKER_ALERT_RULE: alert.rule.text,
    };
    const child = spawn('/bin/sh', ['-c', alertExec], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('close', (code) => {
      if (code !== 0) this.output.warn(`--alert-exec: the command ended with ${code}`);
    });
  }

  #shown(root: BytePath): string {
    return this.options.shownRoots.get(root) ?? root;
  }
}
