import { ProtocolError, parseFileName, toVersion } from '@filetracker/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { file, inline } from '../support/file-records.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Names around each other in the order of their bytes: `!` comes before the slash, `0` right behind it. */
const name = fc
  .array(fc.constantFrom('a', 'a!', 'a0', 'b'), { minLength: 1, maxLength: 3 })
  .map((components) => components.join('/'));

/** Changes that wait at the same moment and share transactions. */
const group = fc.array(fc.record({ put: fc.boolean(), name }), { minLength: 1, maxLength: 12 });

/** What should become of a change. */
function apply(model: Set<string>, { put, name: changed }: { put: boolean; name: string }): string {
  if (!put) return model.delete(changed) ? 'deleted' : 'missing';
  if (!model.has(changed)) {
    const isConflict = [...model].some(
      (other) => other.startsWith(`${changed}/`) || changed.startsWith(`${other}/`),
    );
    if (isConflict) return 'name_conflict';
  }
  model.add(changed);
  return 'stored';
}

it('of changes that share a transaction each meets what those before it have left', async () => {
  const store = await LmdbMetadataStore.open(temporaryDirectory(), { durable: false, rules: PLAIN_RULES });
  const change = async (text: string, put: boolean): Promise<string> => {
    try {
      if (put) return (await store.putFile(file(text, 1, 'x'), { location: inline('x') })).kind;
      return (await store.deleteFile(parseFileName(text), toVersion(1))).kind;
    } catch (error) {
      if (error instanceof ProtocolError) return error.code;
      throw error;
    }
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(group, { maxLength: 6 }), async (groups) => {
        const model = new Set<string>();
        for (const changes of groups) {
          const outcomes = await Promise.all(changes.map((one) => change(one.name, one.put)));
          expect(outcomes).toEqual(changes.map((one) => apply(model, one)));
        }
        await Promise.all([...model].map((left) => change(left, false)));
        expect(await store.totals()).toMatchObject({ files: 0, contents: 0 });
      }),
      { numRuns: rounds(300, 5000) },
    );
  } finally {
    await store.close();
  }
});
