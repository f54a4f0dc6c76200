/**
 * What can be wrong with a request, as the protocol names it. The HTTP status that goes with each code is
 * part of the protocol too (see PROTOCOL.md), so that server and client agree on it.
 */
export const ERROR_STATUS = {
  invalid_name: 400,
  invalid_version: 400,
  invalid_digest: 400,
  invalid_size: 400,
  invalid_request: 400,
  invalid_content: 400,
  digest_mismatch: 400,
  size_mismatch: 400,
  not_a_directory: 400,
  unknown_endpoint: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  content_missing: 404,
  method_not_allowed: 405,
  name_conflict: 409,
  deleted: 410,
  precondition_failed: 412,
  too_large: 413,
  unsupported_encoding: 415,
  range_not_satisfiable: 416,
  too_many_requests: 429,
  content_damaged: 500,
  internal: 500,
  fallback_failed: 500,
  unavailable: 503,
  storage_full: 507,
  quota_exceeded: 507,
} as const satisfies Record<string, number>;

/** A protocol error code. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/**
 * A value from outside that breaks a rule of the protocol; `code` names the rule's kind, `message` the rule, and
 * `numbers` holds what programs may want of it. They stand in JSON errors beside the code.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly numbers: Readonly<Record<string, number>> = {},
  ) {
    super(message);
  }
}
