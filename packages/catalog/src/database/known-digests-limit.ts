/**
 * Directories of which a scan keeps the digest in memory, at most 64 bytes each. Those of a larger catalog that are
 * left over are compared when their listing arrives.
 */
export const MAX_KNOWN_DIGESTS = 2 ** 20;
