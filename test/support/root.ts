/** Whether tests may mount file systems. CI runs as root and leaves none of them out. */
export const isRoot = process.getuid?.() === 0;
