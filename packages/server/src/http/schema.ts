import { ERROR_STATUS, type ErrorCode, EXCEPTION_HEADER, PROTOCOL_HEADER } from '@filetracker/protocol';
import type { FastifyServerOptions } from 'fastify';

/*
 * Pieces of the schemas that stand beside the routes. They describe the interface for `GET /openapi.json` and
 * check nothing: names, dates and digests have rules that no schema can tell, so the routes read them themselves.
 */

/**
 * What Fastify does with schemas that only describe: nothing. Its own compilers, which are ajv and fast-json-stringify,
 * would take a tenth of the start of a server to load. Their declared types have more than Fastify calls.
 */
export const DESCRIBING_SCHEMAS = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;

/** What a header, a parameter or a field is. */
export interface Description {
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  readonly description: string;
  readonly required?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
}

type Descriptions = Readonly<Record<string, Description>>;

export function text(description: string): Description {
  return { type: 'string', description };
}

export function integer(
  description: string,
  limits: { minimum?: number; maximum?: number } = {},
): Description {
  return { type: 'integer', description, ...limits };
}

export function number(description: string): Description {
  return { type: 'number', description };
}

/** The parameters of a request in one place: its path, its query or its headers. */
export function parameters(properties: Descriptions) {
  return { type: 'object', properties };
}

/** An object of JSON whose fields are all present, unless they are said to be optional. */
export function jsonObject(fields: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(fields).filter((field) => !optional.includes(field));
  return { type: 'object', properties: fields, required };
}

/** What a reply is. Without `content` it has no body. */
export function reply(
  description: string,
  { headers = {}, content }: { headers?: Descriptions; content?: Readonly<Record<string, object>> } = {},
) {
  const all = { ...headers, [PROTOCOL_HEADER]: text('`3`, in replies to requests that opt in.') };
  if (!content) return { type: 'null', description, headers: all };
  const media = Object.entries(content).map(([type, schema]) => [type, { schema }] as const);
  return { description, headers: all, content: Object.fromEntries(media) };
}

const ERROR = {
  ...jsonObject({
    code: text('What went wrong, for programs.'),
    message: text('The same for people, in one line.'),
  }),
  additionalProperties: { type: 'number' },
};

/** Headers that errors of one status have besides. */
const ERROR_HEADERS: Readonly<Record<number, Descriptions>> = {
  [ERROR_STATUS.unauthorized]: { 'WWW-Authenticate': text('`Bearer` and `Basic`.') },
  [ERROR_STATUS.range_not_satisfiable]: {
    'Content-Range': text('`bytes */` and the length of the plain content.'),
  },
  [ERROR_STATUS.too_many_requests]: { 'Retry-After': integer('Seconds after which to try again.') },
};

/** What any request may be refused with. */
const ANY_ERROR = [
  'invalid_request',
  'unauthorized',
  'forbidden',
  'too_many_requests',
  'internal',
  'unavailable',
] as const;

/** The replies to requests that fail in one of these ways, or in a way that any request may fail. */
export function errors(...codes: readonly ErrorCode[]): Record<number, ReturnType<typeof reply>> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...codes, ...ANY_ERROR]) {
    const status = ERROR_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const reason = text('The reason in one line of printable ASCII, the rest percent-encoded.');
  const content = { 'text/plain': { type: 'string' }, 'application/json': ERROR };
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      reply(those.map((code) => `\`${code}\``).join(', '), {
        headers: { [EXCEPTION_HEADER]: reason, ...ERROR_HEADERS[status] },
        content,
      }),
    ]),
  );
}

/** The header that any request may have. */
export const OPT_IN_HEADER: Descriptions = {
  [PROTOCOL_HEADER]: { ...text('The protocol that the client speaks, if that is 3.'), enum: ['3'] },
};

/** The query parameter of routes whose `last_modified` is a date. */
export function date(description: string): Description {
  return text(`${description} An RFC 2822 date such as \`Tue, 14 Nov 2023 22:13:20 -0000\`.`);
}
