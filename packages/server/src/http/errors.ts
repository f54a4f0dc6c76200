import { systemCode } from '@filetracker/durable-fs/system-code';
import { ERROR_STATUS, type ErrorCode, EXCEPTION_HEADER, ProtocolError } from '@filetracker/protocol';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { confirmProtocol, wantsJson } from './negotiation.js';

/** What a failed request is answered with. */
interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly status: number;
  /** One line for the client's user. Tells nothing of the server's disk. */
  readonly message: string;
  readonly numbers?: ProtocolError['numbers'];
}

/** Errors of the operating system that a client should know for what they are. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['storage_full', 'the server has no room left on its disk'],
  EDQUOT: ['storage_full', 'the server has used up its disk quota'],
  EMFILE: ['unavailable', 'the server has too many open files; try again'],
  ENFILE: ['unavailable', 'the server has too many open files; try again'],
  EROFS: ['unavailable', "the server's disk is read-only"],
};

/** What an error means to the client. */
export function answerFor(error: unknown): ErrorAnswer {
  if (error instanceof ProtocolError) {
    return { ...answer(error.code, error.message), numbers: error.numbers };
  }
  const { code, statusCode, message } = error as Partial<FastifyError> & Error;
  const system = SYSTEM_ERRORS[systemCode(error) ?? ''];
  if (system) return answer(...system);
  if (code === 'FST_ERR_BAD_URL') return answer('invalid_name', 'a name must be percent-encoded UTF-8');
  // Fastify's other refusals.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { code: 'invalid_request', status: statusCode, message };
  }
  return answer('internal', 'the server failed to handle the request; its log says why');
}

function answer(code: ErrorCode, message: string): ErrorAnswer {
  return { code, status: ERROR_STATUS[code], message };
}

/**
 * Answers a request that failed, as text, which is what clients of protocol 2 read, or as JSON, and logs what is
 * the server's fault.
 */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, message, numbers } = answerFor(error);
  const { method, url, log } = request;
  // What was foreseen, such as a full quota, needs no stack; of the rest the log is all that tells where it came from.
  if (error instanceof ProtocolError && status >= 500) log.warn({ code, method, url }, message);
  else if (status >= 500) log.error({ err: error, method, url }, message);
  // Fastify refuses some requests before its hooks run.
  confirmProtocol(request, reply);
  reply.code(status).header(EXCEPTION_HEADER, headerText(message));
  if (code === 'range_not_satisfiable') reply.header('Content-Range', `bytes */${numbers?.['size']}`);
  if (wantsJson(request.headers)) void reply.send({ code, message, ...numbers });
  else void reply.type('text/plain; charset=utf-8').send(`${message}\n`);
}

/** A message as the value of a header: printable ASCII, the rest percent-encoded. */
function headerText(message: string): string {
  return message.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
}
