/**
 * The result of one stat call in plain numbers, filled again for every entry: a million entries must not make a
 * million objects. 64-bit values are two halves, for a JavaScript number holds 53 bits.
 */
export class StatFields {
  mode = 0;
  uid = 0;
  gid = 0;
  links = 0;
  device = 0;
  inodeLow = 0;
  inodeHigh = 0;
  size = 0;
  allocated = 0;
  mtimeSeconds = 0;
  mtimeNanoseconds = 0;
  ctimeSeconds = 0;
  ctimeNanoseconds = 0;
  /** Whether the file system told the time of birth. */
  hasBirth = false;
  birthSeconds = 0;
  birthNanoseconds = 0;
}
