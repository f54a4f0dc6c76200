import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';

/** Levels of the log, the most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** The names that Python's logging has for other levels. */
const PYTHON_LEVELS: Readonly<Record<string, LogLevel>> = {
  warning: 'warn',
  critical: 'fatal',
  notset: 'trace',
};

/** A level by its name or by Python's name for it, in any case. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const lower = text.toLowerCase();
  return LOG_LEVELS.find((level) => level === lower) ?? PYTHON_LEVELS[lower];
}

/** Where a log goes and how much of it. */
export interface LogTarget {
  readonly logFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly logConfig: string | undefined;
}

/** A log and what opens its file anew, after it was moved away. */
export interface OpenLog {
  readonly logger: Logger;
  readonly reopen: () => void;
}

/** Opens the log: JSON lines in a file or on standard output, readable text on a terminal. */
export async function openLog(target: LogTarget): Promise<OpenLog> {
  const options: LoggerOptions = {
    level: target.logLevel,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    ...(target.logConfig === undefined ? {} : readLogConfig(target.logConfig)),
  };
  if (target.logFile === undefined) {
    const stream = isatty(1) ? await readable() : pino.destination({ fd: 1, sync: true });
    return { logger: pino(options, stream), reopen: () => undefined };
  }
  const file = pino.destination({ dest: target.logFile, append: true, sync: true });
  return { logger: pino(options, file), reopen: () => file.reopen() };
}

async function readable(): Promise<DestinationStream> {
  const { build } = await import('pino-pretty');
  return build({ ignore: 'pid', translateTime: 'SYS:HH:MM:ss', sync: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads pino's options from a JSON file. Of a configuration for Python's logging, which has handlers and a root
 * logger, only the root's level means something here.
 */
function readLogConfig(path: string): LoggerOptions {
  const config = parseJson(readFileSync(path, 'utf8'));
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new Error(`${path} must hold a JSON object`);
  }
  if (!('handlers' in config)) return config;
  const { root } = config as { root?: { level?: unknown } };
  const level = parseLogLevel(String(root?.level));
  return level ? { level } : {};
}
