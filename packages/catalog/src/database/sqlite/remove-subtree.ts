import { type BytePath, childPath } from '../../byte-path.js';
import type { SessionTables } from './session-tables.js';

/** Files that are read at once: a directory may hold millions. */
const PAGE = 2_000;

/** Takes a directory with all below it out of the catalog and writes the removals to the history. */
export function removeSubtree(
  tables: SessionTables,
  top: { readonly id: number; readonly parent: number; readonly path: BytePath },
): void {
  const { directories, bounds, files, tree, ledger } = tables;
  files.flush();
  // What this session already knows about the subtree must be in its totals before they are taken away as a whole.
  ledger.flush();
  const { files: count, directories: folders, bytes, allocated } = directories.totals(top.id);
  if (top.parent !== 0) {
    ledger.add(top.parent, { files: -count, directories: -folders, bytes: -bytes, allocated: -allocated });
  }
  tree.noteGone(top.path);
  const stack: { readonly id: number; readonly path: BytePath }[] = [top];
  for (let next = stack.pop(); next; next = stack.pop()) {
    removeFiles(tables, next.id, next.path);
    for (const { id, name } of directories.children(next.id))
      stack.push({ id, path: childPath(next.path, name) });
    tables.log.add('removed', next.path, { before: directories.attributes(next.id), after: null });
    directories.delete(next.id);
    bounds.delete(next.id);
    tree.forget(next.path);
  }
}

function removeFiles({ directories, files, links, log }: SessionTables, id: number, path: BytePath): void {
  const { device } = directories.attributes(id);
  for (let after = ''; ; ) {
    const page = files.knownAfter(id, device, after, PAGE);
    for (const file of page) {
      if (file.links > 1) links.touch(file.inode);
      log.add('removed', childPath(path, file.name), { before: file, after: null });
    }
    if (page.length < PAGE) break;
    after = page.at(-1)?.name ?? '';
  }
  files.deleteAll(id);
}
