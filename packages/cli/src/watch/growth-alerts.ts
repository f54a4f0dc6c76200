import type { BytePath, ChangedPlace } from '@filetracker/catalog';
import type { AlertRule } from './alert-rule.js';

/** A directory grew more than a rule allows. */
export interface Alert {
  readonly rule: AlertRule;
  readonly path: BytePath;
  /** How much it grew within the rule's window. */
  readonly bytes: number;
}

/** Parts that a window is divided into: memory does not grow with the number of batches. */
const SLICES = 60;

interface Growth {
  /** Growth by slice, the newest last. */
  readonly slices: { readonly slice: number; bytes: number }[];
  /** The slice in which the last alert was given: one a window is enough. */
  alertedAt: number;
}

/** Sums growth in a moving window for the directories that one rule names. */
export class GrowthAlerts {
  readonly #matches: RegExp;
  readonly #depth: number;
  readonly #directories = new Map<BytePath, Growth>();

  constructor(private readonly rule: AlertRule) {
    const names = rule.pattern.split('/').slice(1).filter(Boolean);
    const source = names.map((name) => name.split('*').map(escapeExpression).join('[^/]*')).join('/');
    this.#matches = new RegExp(`^/${source}$`, 's');
    this.#depth = names.length;
  }

  /** Takes in what a batch changed; returns the alerts that it leads to. */
  add(places: readonly ChangedPlace[], now: number): Alert[] {
    const slice = Math.floor((now / this.rule.window) * SLICES);
    const changed = new Map<BytePath, number>();
    for (const { path, bytes } of places) {
      const directory = this.#directoryOf(path);
      if (directory !== undefined) changed.set(directory, (changed.get(directory) ?? 0) + bytes);
    }
    this.#forgetQuiet(slice);
    return [...changed].flatMap(([path, bytes]) => this.#grow(path, bytes, slice) ?? []);
  }

  /** The directory of the rule that holds a path, or is it. */
  #directoryOf(path: BytePath): BytePath | undefined {
    const names = path.split('/').slice(1, this.#depth + 1);
    const directory = `/${names.join('/')}`;
    return this.#matches.test(directory) ? (directory as BytePath) : undefined;
  }

  #grow(path: BytePath, bytes: number, slice: number): Alert | undefined {
    const growth = this.#directories.get(path) ?? { slices: [], alertedAt: Number.NEGATIVE_INFINITY };
    this.#directories.set(path, growth);
    const last = growth.slices.at(-1);
    if (last?.slice === slice) last.bytes += bytes;
    else growth.slices.push({ slice, bytes });
    while ((growth.slices[0]?.slice ?? slice) <= slice - SLICES) growth.slices.shift();
    const sum = growth.slices.reduce((total, part) => total + part.bytes, 0);
    if (sum <= this.rule.bytes || growth.alertedAt > slice - SLICES) return undefined;
    growth.alertedAt = slice;
    return { rule: this.rule, path, bytes: sum };
  }

  #forgetQuiet(slice: number): void {
    for (const [path, { slices }] of this.#directories) {
      if ((slices.at(-1)?.slice ?? slice) <= slice - SLICES) this.#directories.delete(path);
    }
  }
}

function escapeExpression(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
