import { readdirSync, readFileSync, statSync } from 'node:fs';

/** At least `length` bytes of source text, that of this program's dependencies; again from the start if need be. */
export function sourceText(length: number): Buffer {
  const root = new URL('../../node_modules/', import.meta.url);
  const parts: Buffer[] = [];
  let collected = 0;
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (collected >= length) break;
    if (!/\.(js|ts|mjs|cjs|md|json|map)$/.test(entry)) continue;
    const file = new URL(encodeURI(entry), root);
    if (!statSync(file).isFile()) continue;
    const text = readFileSync(file);
    parts.push(text);
    collected += text.length;
  }
  const text = Buffer.concat(parts);
  return text.length >= length ? text : Buffer.alloc(length, text);
}
