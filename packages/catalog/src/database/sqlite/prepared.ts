import type { Database, Statement } from 'better-sqlite3';

const STATEMENTS = new WeakMap<Database, Map<string, Statement>>();

/**
 * A statement of a connection, prepared once for as long as that is open: what a watch does for a single change takes
 * less time than preparing the statements for it. For texts of which there are few. Whoever asks for a text sets the
 * same way of returning rows each time. Not to be iterated: nobody else could use it meanwhile.
 */
export function prepared<Parameters extends unknown[], Row = unknown>(
  database: Database,
  text: string,
): Statement<Parameters, Row> {
  let known = STATEMENTS.get(database);
  if (!known) {
    known = new Map();
    STATEMENTS.set(database, known);
  }
  let statement = known.get(text);
  if (!statement) {
    statement = database.prepare(text);
    known.set(text, statement);
  }
  return statement as Statement<Parameters, Row>;
}
