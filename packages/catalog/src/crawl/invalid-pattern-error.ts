/** A pattern that cannot be understood. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';
  readonly code = 'invalid_pattern';
}
