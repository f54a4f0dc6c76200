/** What can be wrong with a catalog, for callers that act on it. */
export type CatalogErrorCode =
  /** Another scan or watch is writing. */
  | 'busy'
  /** The database was made by a newer program. */
  | 'newer_schema'
  /** The database belongs to something else. */
  | 'foreign_database'
  /** The database cannot be opened, reached or written. */
  | 'unavailable'
  /** Taking the scan's result as true would record a loss that is most likely none. */
  | 'implausible'
  /** The moment that was asked for lies before what the catalog remembers. */
  | 'not_recorded'
  /** The root of a scan is missing, no directory, or cannot be read. */
  | 'root_unreadable';

/** A catalog that cannot do what it is asked; `message` is one line for a person. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';

  constructor(
    readonly code: CatalogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whether something failed that may work later: the database is in use, or is not there at the moment. */
export function isPassing(error: unknown): error is CatalogError {
  return error instanceof CatalogError && (error.code === 'busy' || error.code === 'unavailable');
}
