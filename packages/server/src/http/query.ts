import { ProtocolError, parseDate, type Version } from '@filetracker/protocol';
import type { FastifyRequest } from 'fastify';

/** The date in a query parameter, or `undefined` when there is none. Throws `ProtocolError` when it is no date. */
export function queryDate(request: FastifyRequest, parameter: string): Version | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[parameter];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ProtocolError('invalid_request', `"${parameter}" is given twice`);
  return parseDate(value);
}

/** The bounds of a number in a query parameter. */
export interface NumberRange {
  readonly minimum: number;
  readonly maximum: number;
}

/** The whole number in a query parameter, or `undefined`. Throws `ProtocolError` when it is none in the range. */
export function queryNumber(
  request: FastifyRequest,
  parameter: string,
  { minimum, maximum }: NumberRange,
): number | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[parameter];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (typeof value !== 'string' || !/^\d+$/.test(value) || number < minimum || number > maximum) {
    throw new ProtocolError(
      'invalid_request',
      `"${parameter}" must be a whole number from ${minimum} to ${maximum}`,
    );
  }
  return number;
}
