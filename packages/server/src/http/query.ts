import { ProtocolError, parseDate, type Version } from '@filetracker/protocol';
import type { FastifyRequest } from 'fastify';

/** The date in a query parameter, or `undefined` when there is none. Throws `ProtocolError` when it is no date. */
export function queryDate(request: FastifyRequest, parameter: string): Version | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[parameter];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ProtocolError('invalid_request', `"${parameter}" is given twice`);
  return parseDate(value);
}
