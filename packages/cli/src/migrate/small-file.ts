/** Contents up to this size, in bytes, are handed over, so that the file need not be read again. */
export const SMALL = 64 * 1024;
