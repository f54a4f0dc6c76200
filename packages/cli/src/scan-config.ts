import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import { MOST_JOBS, parseRate } from './number-argument.js';
import { UsageError } from './output/failure.js';
import type { ScanSettings } from './scan-settings.js';

/** A root of a configuration file with its own settings. */
export interface ConfiguredRoot {
  readonly path: string;
  readonly settings: Partial<ScanSettings>;
}

/** What a configuration file says. */
export interface ScanConfig {
  /** The catalog; undefined where the file leaves it open. */
  readonly database: string | undefined;
  /** Whose trees they are; undefined for this machine's. */
  readonly host: string | undefined;
  readonly roots: readonly ConfiguredRoot[];
}

type Table = Readonly<Record<string, unknown>>;
type Reader = (value: unknown) => unknown;

const TEXTS = [readTexts, 'a string or a list of strings'] as const;
const SWITCH = [readSwitch, 'true or false'] as const;

/** Settings of a root: the names of the flags, how a value is read (undefined: it is none), and what it must be. */
const SETTINGS: Readonly<Record<string, readonly [name: keyof ScanSettings, read: Reader, form: string]>> = {
  exclude: ['exclude', ...TEXTS],
  'exclude-from': ['excludeFrom', ...TEXTS],
  'one-file-system': ['oneFileSystem', ...SWITCH],
  'follow-mounts': ['followMounts', ...SWITCH],
  'max-depth': ['maxDepth', readNumber(0), 'a whole number'],
  jobs: ['jobs', readNumber(1, MOST_JOBS), `a whole number from 1 to ${MOST_JOBS}`],
  'allow-empty': ['allowEmpty', ...SWITCH],
  fingerprint: ['fingerprint', readFingerprint, '"none", "changed" or "all"'],
  'io-limit': ['ioLimit', readRate, 'a size such as "50MiB"'],
  metadata: ['metadata', readTable, 'a table'],
};

/**
 * Reads a configuration file: JSON where its name ends in `.json`, otherwise TOML. Throws {@link UsageError} with
 * the place of what is wrong; unknown settings are wrong, too: they are misspelled ones.
 */
export function readScanConfig(file: string): ScanConfig {
  const wrong = (what: string) => new UsageError(`${file}: ${what}`);
  const config = parse(file, readFileSync(file, 'utf8'));
  for (const key of Object.keys(config)) {
    if (key !== 'database' && key !== 'host' && key !== 'roots') throw wrong(`there is no setting "${key}"`);
  }
  const { database, host, roots = [] } = config;
  if (database !== undefined && typeof database !== 'string') throw wrong('"database" must be a string');
  if (host !== undefined && typeof host !== 'string') throw wrong('"host" must be a string');
  if (!Array.isArray(roots)) throw wrong('"roots" must be a list of tables');
  // Places are meant from where the file is: timers and cron start programs somewhere else.
  const near = (place: string) => resolve(dirname(file), place);
  return {
    database: database === undefined || /^[a-z][a-z0-9+.-]+:\/\//i.test(database) ? database : near(database),
    host,
    roots: roots.map((root: unknown, at) => {
      const { path, settings } = readRoot(root, `roots[${at}]`, wrong);
      const { excludeFrom } = settings;
      return { path, settings: { ...settings, ...(excludeFrom && { excludeFrom: excludeFrom.map(near) }) } };
    }),
  };
}

function parse(file: string, text: string): Table {
  try {
    const parsed: unknown = file.endsWith('.json') ? JSON.parse(text) : parseToml(text);
    const table = readTable(parsed);
    if (table) return table;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const where = error instanceof TomlError ? ` (line ${error.line})` : '';
    throw new UsageError(`${file}: ${reason}${where}`, { cause: error });
  }
  throw new UsageError(`${file}: it must hold one table`);
}

function readRoot(value: unknown, place: string, wrong: (what: string) => UsageError): ConfiguredRoot {
  const root = readTable(value);
  const path = root?.['path'];
  if (!root || typeof path !== 'string' || !path.startsWith('/')) {
    throw wrong(`${place} must have a "path" that begins with /`);
  }
  const settings = Object.entries(root).flatMap(([key, given]) => {
    if (key === 'path') return [];
    const setting = SETTINGS[key];
    if (!setting) throw wrong(`${place}: there is no setting "${key}"`);
    const [name, read, form] = setting;
    const parsed = read(given);
    if (parsed === undefined) throw wrong(`${place}: "${key}" must be ${form}`);
    return [[name, parsed] as const];
  });
  return { path, settings: Object.fromEntries(settings) as Partial<ScanSettings> };
}

function readTable(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
}

function readTexts(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((item) => typeof item === 'string') ? list : undefined;
}

function readSwitch(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function readNumber(least: number, most = Number.MAX_SAFE_INTEGER): Reader {
  return (value) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most ? value : undefined;
}

function readFingerprint(value: unknown): ScanSettings['fingerprint'] | undefined {
  return value === 'none' || value === 'changed' || value === 'all' ? value : undefined;
}

function readRate(value: unknown): number | undefined {
  try {
    return typeof value === 'string' || typeof value === 'number' ? parseRate(`${value}`) : undefined;
  } catch {
    return undefined;
  }
}
