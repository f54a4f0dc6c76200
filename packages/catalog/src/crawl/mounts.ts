/**
 * Magic numbers (statfs(2)) of file systems that show kernel state instead of stored files. A crawl leaves them out
 * unless it is told to follow mounts: their sizes mean nothing and reading some never ends.
 */
const PSEUDO_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x62656570, // configfs
  0x65735543, // fusectl
  0x19800202, // mqueue
  0x0187, // autofs
  0x42494e4d, // binfmt_misc
  0x67596969, // rpc_pipefs
  0x6e736673, // nsfs
  0xf97cff8c, // selinuxfs
]);

/** Whether a file system of that magic number shows kernel state instead of stored files. */
export function isPseudoFileSystem(magic: number): boolean {
  return PSEUDO_FILE_SYSTEMS.has(magic >>> 0);
}
