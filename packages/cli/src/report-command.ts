import type { BytePath, QueryDatabase } from '@filetracker/catalog/reports';
import type { Command } from 'commander';
import { catalogCommand, catalogPlace } from './catalog-command.js';
import { knownPath } from './known-path.js';
import type { Output } from './output/output.js';
import { RowPrinter } from './output/row-printer.js';

/** Starts a subcommand that reports on the catalog: as {@link catalogCommand}, with `--csv`. */
export function reportCommand(name: string, description: string, examples: readonly string[]): Command {
  return catalogCommand(name, description, examples).option(
    '--csv',
    'print results as CSV with a line of headings',
  );
}

/** Runs an action with the tables of the catalog that `--database` names. */
export async function withQueries(
  command: Command,
  output: Output,
  action: (database: QueryDatabase, rows: RowPrinter) => Promise<void>,
): Promise<void> {
  const { database: place, ...host } = catalogPlace(command);
  const rows = rowPrinter(command, output);
  // Loaded here and not above: commands of the store need not wait for it.
  const { openQueries } = await import('@filetracker/catalog/reports');
  const database = await openQueries(place, host);
  try {
    await action(database, rows);
  } finally {
    await database.close();
  }
}

/** The path that an argument means, see {@link knownPath}, for commands that ask the database for nothing else. */
export async function recordedPath(command: Command, text: string): Promise<BytePath> {
  const { database: place, ...host } = catalogPlace(command);
  const { openQueries } = await import('@filetracker/catalog/reports');
  const database = await openQueries(place, host);
  try {
    return await knownPath(database, text);
  } finally {
    await database.close();
  }
}

/** Prints rows in the form that the flags of a {@link reportCommand} ask for. */
export function rowPrinter(command: Command, output: Output): RowPrinter {
  return new RowPrinter(output, command.opts<{ csv?: true }>().csv ? 'csv' : 'text');
}
