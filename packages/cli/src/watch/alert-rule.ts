import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../duration-argument.js';
import { parseSize } from '../number-argument.js';

/** When growth is worth an alert: `10GiB/1h:/data/*`. */
export interface AlertRule {
  /** The rule as it was given. */
  readonly text: string;
  readonly bytes: number;
  /** Milliseconds. */
  readonly window: number;
  /** Which directories: absolute, `*` is any one name. */
  readonly pattern: string;
}

/** Reads a rule. */
export function parseAlertRule(text: string): AlertRule {
  const match = /^([^/:]+)\/([^:]+):(\/.*)$/.exec(text);
  const [size = '', window = '', pattern = ''] = match?.slice(1) ?? [];
  if (!match) throw new InvalidArgumentError('It must be like 10GiB/1h:/data/*.');
  return { text, bytes: parseSize(size), window: parseDuration(window), pattern };
}
