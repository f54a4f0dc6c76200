import type { Digest } from '@filetracker/protocol';

/** Contents that a header names; `*` stands for any. */
type Contents = '*' | readonly Digest[];

/** The entity tag of a content: its digest. */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/** The contents whose strong tags are in a list, which is how `If-Match` compares (RFC 9110 §8.8.3.2). */
export function strongTags(list: string): Contents {
  return digestsIn(list, /(?<!W\/)"([^"]*)"/g);
}

/** The contents whose tags, strong or weak, are in a list, which is how `If-None-Match` compares. */
export function weakTags(list: string): Contents {
  return digestsIn(list, /"([^"]*)"/g);
}

function digestsIn(list: string, tag: RegExp): Contents {
  if (list.trim() === '*') return '*';
  // What is no digest names no content, and so it matches none.
  return [...list.matchAll(tag)].map((match) => match[1] as Digest);
}
