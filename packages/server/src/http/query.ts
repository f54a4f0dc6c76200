import { ProtocolError, parseDate, toVersion, type Version } from '@filetracker/protocol';
import type { FastifyRequest } from 'fastify';

/** A query parameter, or `undefined` when there is none. Throws `ProtocolError` when it is given twice. */
export function queryText(request: FastifyRequest, parameter: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[parameter];
  if (value === undefined || typeof value === 'string') return value;
  throw new ProtocolError('invalid_request', `"${parameter}" is given twice`);
}

/** The date in a query parameter. Throws `ProtocolError` when it is no date. */
export function queryDate(request: FastifyRequest, parameter: string): Version | undefined {
  const value = queryText(request, parameter);
  return value === undefined ? undefined : parseDate(value);
}

/** The seconds since 1970 in a query parameter. */
export function querySeconds(request: FastifyRequest, parameter: string): Version | undefined {
  const value = queryText(request, parameter);
  return value === undefined ? undefined : toVersion(wholeNumber(value));
}

/** The whole number in a query parameter, if it lies within the limits. */
export function queryNumber(
  request: FastifyRequest,
  parameter: string,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
): number | undefined {
  const value = queryText(request, parameter);
  if (value === undefined) return undefined;
  const number = wholeNumber(value);
  if (number >= minimum && number <= maximum) return number;
  throw new ProtocolError(
    'invalid_request',
    `"${parameter}" must be a whole number from ${minimum} to ${maximum}`,
  );
}

/** The choice between yes and no in a query parameter. */
export function queryFlag(request: FastifyRequest, parameter: string): boolean | undefined {
  const value = queryText(request, parameter);
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new ProtocolError('invalid_request', `"${parameter}" must be "true" or "false"`);
}

function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
