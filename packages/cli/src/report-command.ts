import type { QueryDatabase } from '@filetracker/catalog/reports';
import type { Command } from 'commander';
import { catalogCommand, catalogPlace } from './catalog-command.js';
import type { Output } from './output/output.js';
import { RowPrinter } from './output/row-printer.js';

/** Starts a subcommand that reports on the catalog: as {@link catalogCommand}, with `--csv`. */
export function reportCommand(name: string, description: string, examples: readonly string[]): Command {
  return catalogCommand(name, description, examples).option(
    '--csv',
    'print results as CSV with a line of headings',
  );
}

/** Runs an action with the tables of the catalog that the flags name, and a printer for what it finds. */
export async function withQueries(
  command: Command,
  output: Output,
  action: (database: QueryDatabase, rows: RowPrinter) => Promise<void>,
): Promise<void> {
  const rows = rowPrinter(command, output);
  await withDatabase(command, (database) => action(database, rows));
}

/** Runs an action with the tables of the catalog that the flags name. */
export async function withDatabase<Result>(
  command: Command,
  action: (database: QueryDatabase) => Promise<Result>,
): Promise<Result> {
  const { database: place, ...host } = catalogPlace(command);
  // Loaded here and not above: commands of the store need not wait for it.
  const { openQueries } = await import('@filetracker/catalog/reports');
  const database = await openQueries(place, host);
  try {
    return await action(database);
  } finally {
    await database.close();
  }
}

/** Prints rows in the form that the flags of a {@link reportCommand} ask for. */
export function rowPrinter(command: Command, output: Output): RowPrinter {
  return new RowPrinter(output, command.opts<{ csv?: true }>().csv ? 'csv' : 'text');
}
