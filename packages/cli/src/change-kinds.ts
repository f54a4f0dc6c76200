import type { ChangeKind } from '@filetracker/catalog';

/** The kinds of changes in the order in which they are shown. */
export const CHANGE_KINDS: readonly ChangeKind[] = ['new', 'modified', 'renamed', 'removed'];

/** One character for each kind. */
export const CHANGE_SIGNS: Readonly<Record<ChangeKind, string>> = {
  new: '+',
  modified: '~',
  renamed: '→',
  removed: '-',
};
