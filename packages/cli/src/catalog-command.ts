import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BytePath, Catalog, OpenCatalogOptions } from '@filetracker/catalog';
import { Command, Option } from 'commander';
import type { Result } from './output/output.js';

/** The default catalog: one per user. */
function defaultDatabase(): string {
  const dataHome = process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return join(dataHome, 'filetracker', 'catalog.db');
}

/** Starts a subcommand of the catalog, with `--database` and examples below its help. */
export function catalogCommand(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  ${example}`).join('\n');
  const database = new Option('--database <place>', 'the catalog: a file, or postgres://user@server/database')
    .env('FILETRACKER_DATABASE')
    .default(defaultDatabase(), 'one per user, below ~/.local/share');
  return new Command(name)
    .description(description)
    .addOption(database)
    .addHelpText('after', `\nExamples:\n${lines}`);
}

/** Runs an action with the catalog that `--database` names. */
export async function withCatalog<T>(
  command: Command,
  options: OpenCatalogOptions,
  action: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  // Loaded here and not above: commands of the store need not wait for it.
  const { openCatalog } = await import('@filetracker/catalog/scan');
  const catalog = await openCatalog(command.opts<{ database: string }>().database, options);
  try {
    return await action(catalog);
  } finally {
    await catalog.close();
  }
}

/** The absolute path that an argument of a command means. */
export async function pathArgument(text: string): Promise<BytePath> {
  const { parseBytePath } = await import('@filetracker/catalog/scan');
  return parseBytePath(resolve(text));
}

/** A path for `--json`: text, and where its bytes are no UTF-8 also the bytes themselves in base 64. */
export async function pathResult(key: string, path: BytePath): Promise<Result> {
  const { jsonPathFields } = await import('./output/path-fields.js');
  return jsonPathFields(path, key);
}
