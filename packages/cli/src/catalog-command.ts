import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Catalog, OpenCatalogOptions } from '@filetracker/catalog';
import { type BytePath, bytesOfText, parseBytePath } from '@filetracker/catalog/paths';
import { homeDirectory } from '@filetracker/durable-fs/home-directory';
import { Command, Option } from 'commander';
import { exactWorkingDirectory } from './exact-arguments.js';

/** The default catalog: one per user. */
function defaultDatabase(): string {
  const dataHome = process.env['XDG_DATA_HOME'] || join(homeDirectory(), '.local', 'share');
  return join(dataHome, 'filetracker', 'catalog.db');
}

/** Starts a subcommand of the catalog, with `--database`, `--config` and examples below its help. */
export function catalogCommand(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  ${example}`).join('\n');
  const database = withVariable(
    new Option('--database <place>', 'the catalog: a file, or postgres://user@server/database'),
    'FILETRACKER_DATABASE',
  ).default(defaultDatabase(), 'one per user, below ~/.local/share');
  return new Command(name)
    .description(description)
    .addOption(database)
    .option('--host <name>', 'in a database that machines share: whose trees (default: this machine)')
    .addOption(
      withVariable(
        new Option('--config <file>', 'the catalog, and roots with their settings for scan, in TOML or JSON'),
        'FILETRACKER_CONFIG',
      ),
    )
    .hook('preAction', (_, started) => takeConfiguredPlace(started))
    .addHelpText('after', `\nExamples:\n${lines}`);
}

/** Lets a variable of the environment stand in for an option; one that is empty counts as not set. */
function withVariable(option: Option, variable: string): Option {
  return process.env[variable] === '' ? option : option.env(variable);
}

/** Takes the catalog from the configuration file where no flag and no variable names one, and the host likewise. */
async function takeConfiguredPlace(command: Command): Promise<void> {
  const { config: file } = command.opts<{ config?: string }>();
  if (file === undefined) return;
  const { readScanConfig } = await import('./scan-config.js');
  const { database, host } = readScanConfig(file);
  const take = (name: string, value: string | undefined) => {
    const source = command.getOptionValueSource(name);
    const isOpen = source === undefined || source === 'default';
    if (isOpen && value !== undefined) command.setOptionValueWithSource(name, value, 'config');
  };
  take('database', database);
  take('host', host);
}

/** Which catalog the flags of a {@link catalogCommand} name, and whose trees in it. */
export function catalogPlace(command: Command): { readonly database: string; readonly host?: string } {
  const { database, host } = command.opts<{ database: string; host?: string }>();
  return { database, ...(host !== undefined && { host }) };
}

/** Runs an action with the catalog that `--database` names. */
export async function withCatalog<T>(
  command: Command,
  options: Pick<OpenCatalogOptions, 'create'>,
  action: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  // Loaded here and not above: commands of the store need not wait for it.
  const { openCatalog } = await import('@filetracker/catalog/open');
  const { database, ...host } = catalogPlace(command);
  const catalog = await openCatalog(database, { ...options, ...host });
  try {
    return await action(catalog);
  } finally {
    await catalog.close();
  }
}

/** The absolute path that an argument of a command means. */
export function pathArgument(text: string): BytePath {
  return parseBytePath(resolve(exactWorkingDirectory(), text));
}

/** Where an argument of a command leads on the disk, symbolic links followed. Throws where it leads nowhere. */
export async function pathOnDisk(text: string): Promise<BytePath> {
  return parseBytePath(await realpath(bytesOfText(text), 'buffer'));
}
