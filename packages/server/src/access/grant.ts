import type { DirectoryName, FileName } from '@filetracker/protocol';

/** What a token may be good for; `admin` stands for the two others and for the server's own figures. */
export const PERMISSIONS = ['read', 'write', 'admin'] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What somebody may do. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  /** Only files in this directory, at any depth; the root for everything. */
  readonly prefix: DirectoryName;
}

/** Whether a grant has a permission. */
export function allows({ permissions }: Grant, permission: Permission): boolean {
  return permissions.has(permission) || permissions.has('admin');
}

/** Whether a file or directory lies in the part of the tree that a grant is for. */
export function covers({ prefix }: Grant, path: FileName | DirectoryName): boolean {
  // Whole components count: `/problems` says nothing of `/problems-old`.
  return prefix === '' || path === prefix || path.startsWith(`${prefix}/`);
}
