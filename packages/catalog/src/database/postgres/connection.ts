import pg from 'pg';
import { CatalogError } from '../errors.js';

/** The schema that holds everything of a catalog, so that it can share a database with other programs. */
export const SCHEMA = 'filetracker';

/** The schema of views that show of every table what belongs to the host of the setting `filetracker.host`. */
export const HOST_SCHEMA = 'filetracker_host';

/** Key of the advisory lock that programs hold while they change the schema: "FtCl" in ASCII. */
export const SCHEMA_LOCK = 0x4674436c;

/** How long connecting may take. */
const CONNECT_TIMEOUT_MS = 10_000;

const INT8 = 20;
const INT4 = 23;
const INT2 = 21;

/** Where a catalog is and how to name it to a person. */
export interface PostgresPlace {
  readonly url: string;
  /** The URL without its password. */
  readonly shown: string;
}

/** Reads a `postgres://` URL. Throws {@link CatalogError} `unavailable` for what is none. */
export function parsePostgresUrl(url: string): PostgresPlace {
  try {
    const shown = new URL(url);
    shown.password = '';
    for (const secret of ['password', 'sslpassword']) shown.searchParams.delete(secret);
    return { url, shown: shown.href };
  } catch (error) {
    throw new CatalogError('unavailable', 'the URL of the database is malformed', { cause: error });
  }
}

/**
 * What holds for every connection. Code that is made for a query (jit) takes longer to be made, in each process and for
 * each partition, than it saves. A server's limits are meant for programs that ask little: a scan is one transaction, and
 * a listing lasts as long as its reader takes. pg_dump puts them aside, too.
 */
const SETTINGS = [
  `search_path=${SCHEMA},public`,
  'client_min_messages=warning',
  'jit=off',
  'statement_timeout=0',
  'idle_in_transaction_session_timeout=0',
];

/** What every connection of a catalog is made with. Whole numbers arrive as bigint, as rows are mapped from. */
export function connectionOptions({ url }: PostgresPlace): pg.ClientConfig {
  const place = new URL(url);
  // What a URL says counts in place of everything beside it.
  const theirs = place.searchParams.getAll('options');
  place.searchParams.delete('options');
  return {
    connectionString: theirs.length > 0 ? place.href : url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'filetracker',
    options: [...theirs, ...SETTINGS.map((setting) => `-c ${setting}`)].join(' '),
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 || oid === INT4 || oid === INT2
          ? (text: string) => BigInt(text)
          : (pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown),
    },
  };
}

/** A connection of its own. Throws {@link CatalogError} `unavailable`. */
export async function connect(place: PostgresPlace): Promise<pg.Client> {
  const client = new pg.Client(connectionOptions(place));
  // A connection that is lost between two statements makes the next one fail, which is reported.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw translated(place, error);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server answers there',
  ENOTFOUND: 'no host has that name',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ETIMEDOUT: 'the server does not answer',
  ECONNRESET: 'the connection was lost',
  EPIPE: 'the connection was lost',
  '25006': 'the database is read-only',
  '53100': 'the disk of the server is full',
};

const NO_PASSWORD = 'the server asks for a password: say it in the URL, in $PGPASSWORD or in ~/.pgpass';

/** PostgreSQL's or the network's error as a {@link CatalogError} of one line; anything else as it is. */
export function translated({ shown }: PostgresPlace, error: unknown): unknown {
  if (error instanceof CatalogError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  const isOurs = code === '' && !/connection|timeout|SSL|SASL|SCRAM|password/i.test(error.message);
  if (isOurs || error instanceof TypeError || error instanceof RangeError) return error;
  const isUnnamed = /client password must be a string/.test(error.message);
  const isLost = /not queryable|connection terminated/i.test(error.message);
  const isSilent = /connection timeout|timeout expired/i.test(error.message);
  const known = WORDS[isSilent ? 'ETIMEDOUT' : isLost ? 'ECONNRESET' : code];
  const words = isUnnamed ? NO_PASSWORD : known;
  const reason = words ?? (error.message.split('\n')[0] || code);
  return new CatalogError('unavailable', `cannot use the catalog ${shown}: ${reason}`, { cause: error });
}
