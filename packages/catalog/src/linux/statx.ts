/** Basic fields and the time of birth. */
export const STATX_MASK = 0xfff;

/** Look at the link itself, and mount nothing to do so. */
export const STATX_ENTRY = 0x100 | 0x800;

/** Look at the descriptor itself (the path is empty). */
export const STATX_DESCRIPTOR = 0x1000;
