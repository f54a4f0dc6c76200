import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from './temporary-directory.js';

/** LMDB writes its meta page, the last write of a commit, through a descriptor with O_DSYNC; nobody else has one. */
const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef ssize_t (*write_call)(int, const void *, size_t, off_t);

static ssize_t write_or_fail(const char *name, int fd, const void *bytes, size_t length, off_t offset) {
  const char *switch_path = getenv("FAIL_COMMITS_WHILE");
  if (switch_path && access(switch_path, F_OK) == 0 && (fcntl(fd, F_GETFL) & O_DSYNC)) {
    errno = EIO;
    return -1;
  }
  return ((write_call)dlsym(RTLD_NEXT, name))(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return write_or_fail("pwrite", fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  return write_or_fail("pwrite64", fd, bytes, length, offset);
}
`;

/**
 * Lets the last write of every commit fail with EIO, in the servers that the test starts from now on, while it is
 * switched on: as on a disk that fails for a moment.
 */
export function failingCommits(): { readonly on: () => void; readonly off: () => void } {
  const directory = temporaryDirectory();
  const source = join(directory, 'fail.c');
  const library = join(directory, 'fail.so');
  const path = join(directory, 'on');
  writeFileSync(source, SOURCE);
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  vi.stubEnv('LD_PRELOAD', library);
  vi.stubEnv('FAIL_COMMITS_WHILE', path);
  onTestFinished(() => void vi.unstubAllEnvs());
  return { on: () => writeFileSync(path, ''), off: () => rmSync(path, { force: true }) };
}
