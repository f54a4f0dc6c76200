import { type DirectoryName, ProtocolError, parseFileName, toVersion } from '@filetracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import type { Condition } from '#server/metadata/conditions.js';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { type HistoryLimits, PLAIN_RULES, type Quota } from '#server/metadata/rules.js';
import { blob, digestOf, file, inline } from '../support/file-records.js';
import { HistoryModel, type ModelCondition } from '../support/history-model.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Random sequences of changes that are tried. */
const RUNS = rounds(300);

const NAMES = ['a', 'a/b', 'c/d'];
/** Long ones are kept as blobs here. */
const CONTENTS = ['x', 'y', 'long', 'longer'];
const LIMITS: readonly HistoryLimits[] = [1, 2, 3, Number.POSITIVE_INFINITY].flatMap((keepVersions) =>
  [2000, Number.POSITIVE_INFINITY].map((keepFor) => ({ keepVersions, keepFor })),
);

const name = fc.constantFrom(...NAMES);
/** Versions around the clock of the model, which begins at 1,000 seconds. */
const version = fc.constantFrom(0, 1, 999, 1001, 5000);
const content = fc.constantFrom(...CONTENTS);
const condition: fc.Arbitrary<ModelCondition> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('*', 'none', ...CONTENTS) },
);

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('put' as const), name, version, content, condition }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), name, version, condition }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get' as const), name, version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.nat(3000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('expire' as const), steps: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('collect' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('count' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('limit' as const), directory: fc.constantFrom('', 'a', 'c') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), limits: fc.constantFrom(...LIMITS) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function conditionOf(condition: ModelCondition): Condition | undefined {
  if (condition === undefined) return undefined;
  if (condition === 'none') return { ifNoneMatch: '*' };
  return { ifMatch: condition === '*' ? '*' : [digestOf(condition)] };
}

function openFor(
  directory: string,
  model: HistoryModel,
  quotas: readonly Quota[],
): Promise<LmdbMetadataStore> {
  const rules = { ...PLAIN_RULES, history: model.limits, quotas };
  return LmdbMetadataStore.open(directory, { durable: false, rules, now: () => model.now });
}

/** A metadata store in LMDB, and the copies of contents that a blob store would have. */
class Subject {
  readonly copies = new Set<string>();
  #offered = 0;
  #quotas: readonly Quota[] = [];

  private constructor(
    private readonly directory: string,
    private readonly model: HistoryModel,
    private store: LmdbMetadataStore,
  ) {}

  static async open(directory: string, model: HistoryModel): Promise<Subject> {
    return new Subject(directory, model, await openFor(directory, model, []));
  }

  async apply(operation: Operation): Promise<string> {
    switch (operation.kind) {
      case 'put':
        return this.#put(operation);
      case 'delete': {
        const { version, condition } = operation;
        const options = { condition: conditionOf(condition) };
        return (await this.store.deleteFile(parseFileName(operation.name), toVersion(version), options)).kind;
      }
      case 'get': {
        const found = await this.store.findFile(parseFileName(operation.name), toVersion(operation.version));
        return `${found?.digest}`;
      }
      case 'wait':
        return 'waited';
      case 'expire': {
        for (let next: number | undefined = 0; next !== undefined && next <= this.model.now; ) {
          ({ next } = await this.store.expireHistory(operation.steps));
        }
        return 'expired';
      }
      case 'collect':
        await this.collect();
        return 'collected';
      case 'count':
        await this.store.countForQuotas(1);
        return 'counted';
      case 'limit':
        // Never reached: here it matters that what is used is counted right.
        this.#quotas = [{ directory: operation.directory as DirectoryName, unit: 'bytes', most: 1000 }];
        await this.#reopen();
        return 'opened';
      case 'reopen':
        await this.#reopen();
        return 'opened';
    }
  }

  /** Deletes the copies that nothing names any more. */
  async collect(): Promise<void> {
    for (let deleted: readonly BlobId[] = []; ; ) {
      deleted = await this.store.collectGarbage({ limit: 2, deleted });
      if (deleted.length === 0) return;
      for (const copy of deleted) expect(this.copies.delete(copy), `${copy} is there`).toBe(true);
    }
  }

  /** Counts all that quotas want to have counted. */
  async count(): Promise<void> {
    while (await this.store.countForQuotas(2));
  }

  async expectSame(): Promise<void> {
    expect(await this.store.totals()).toMatchObject(this.model.counts());
    for (const directory of ['', 'a', 'c'] as DirectoryName[]) {
      const files = await this.store.list({ directory, limit: 100 });
      expect(files.map(({ name, version }) => `${name}@${version}`)).toEqual(this.model.list(directory));
    }
    for (const moment of [0, 1, 500, 1000, 1001, 1004, 9000]) {
      const files = await this.store.list({ directory: '', limit: 100, asOf: toVersion(moment) });
      const listed = files.map(({ name, version }) => `${name}@${version}`);
      expect(listed, `as of ${moment}`).toEqual(this.model.listAsOf(moment));
    }
    for (const name of NAMES) {
      const versions = await this.store.versions({ name: parseFileName(name), limit: 100 });
      const digests = versions.map(({ version, digest }) => `${version} ${digest}`);
      const expected = this.model.versions(name).map((line) => line.replace(/\w+$/, digestOf));
      expect(digests).toEqual(expected);
    }
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  async #reopen(): Promise<void> {
    // What was begun must be finished by whoever wants it.
    await this.count();
    await this.store.close();
    this.store = await openFor(this.directory, this.model, this.#quotas);
  }

  async #put({ name, version, content, condition }: Operation & { kind: 'put' }): Promise<string> {
    const location = content.length > 3 ? blob(`copy ${this.#offered++}`) : inline(content);
    const copy = location.kind === 'blob' ? location.blob : undefined;
    const options = { location, condition: conditionOf(condition) };
    const outcome = await this.store.putFile(file(name, version, content), options);
    if (copy !== undefined && outcome.kind === 'stored' && outcome.copyKept) this.copies.add(copy);
    return outcome.kind === 'unchanged' ? `unchanged ${outcome.stored.version}` : outcome.kind;
  }
}

function applyToModel(model: HistoryModel, operation: Operation): string {
  switch (operation.kind) {
    case 'put':
      return model.put(operation.name, operation.version, operation.content, operation.condition);
    case 'delete':
      return model.delete(operation.name, operation.version, operation.condition);
    case 'get': {
      const found = model.find(operation.name, operation.version);
      return `${found && digestOf(found.content)}`;
    }
    case 'wait':
      model.now += operation.milliseconds;
      return 'waited';
    case 'expire':
      model.expire();
      return 'expired';
    case 'collect':
      return 'collected';
    case 'count':
      return 'counted';
    case 'limit':
      return 'opened';
    case 'reopen':
      model.limits = operation.limits;
      return 'opened';
  }
}

async function codeOf(outcome: Promise<string>): Promise<string> {
  try {
    return await outcome;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('LMDB with a history, against a model', () => {
  it(
    'I4, I5: answers as plain lists do, and its counts, indexes and copies agree',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...LIMITS),
          fc.array(operation, { maxLength: 60, size: 'max' }),
          async (limits, operations) => {
            const directory = temporaryDirectory();
            const model = new HistoryModel(limits);
            const subject = await Subject.open(directory, model);
            for (const operation of operations) {
              const expected = applyToModel(model, operation);
              expect(await codeOf(subject.apply(operation)), JSON.stringify(operation)).toBe(expected);
            }
            applyToModel(model, { kind: 'expire', steps: 1 });
            await subject.apply({ kind: 'expire', steps: 100 });
            await subject.count();
            await subject.expectSame();
            await subject.collect();
            await subject.close();
            const environment = await Environment.open(directory, { durable: false });
            const named = auditMetadata(environment);
            await environment.close();
            expect(named).toEqual([...subject.copies].toSorted());
            const large = [...model.contents()].filter((content) => content.length > 3);
            expect(named).toHaveLength(large.length);
          },
        ),
        { numRuns: RUNS },
      );
    },
    RUNS * 1000,
  );
});
