/** Flags of open(2); O_DIRECTORY and O_NOFOLLOW differ between x86-64 and ARM. */
const ARM = process.arch === 'arm64' || process.arch === 'arm';
const O_DIRECTORY = ARM ? 0x4000 : 0x10000;
const O_NOFOLLOW = ARM ? 0x8000 : 0x20000;
const O_CLOEXEC = 0x80000;
const O_PATH = 0x200000;

/** Open a directory to list it; a symbolic link in its place is refused. */
export const LIST_DIRECTORY = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Open a directory only as the starting point of further calls: needs no permission to list it. */
export const PASS_DIRECTORY = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
