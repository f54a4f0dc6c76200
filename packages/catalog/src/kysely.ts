/**
 * What is used of Kysely. A build bundles it into one file: its 262 modules took longer to load than most queries take to
 * answer (160 ms against 20).
 */
export {
  type Compilable,
  type CompiledQuery,
  type Expression,
  Kysely,
  PostgresDialect,
  type PostgresPoolClient,
  PostgresQueryCompiler,
  type RawBuilder,
  type Selectable,
  type SelectQueryBuilder,
  type SqlBool,
  SqliteDialect,
  sql,
} from 'kysely';
