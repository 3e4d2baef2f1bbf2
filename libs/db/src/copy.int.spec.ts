import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyRows, isUniqueViolation, storable } from './copy.js';
import { openDatabase } from './data-source.js';
import { inTransaction, query } from './transaction.js';

class Copied1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE copied (id int PRIMARY KEY, said text, number double precision, truth boolean, bytes bytea, body jsonb, at timestamptz)');
  }
  async down(): Promise<void> {}
}

const COLUMNS = ['id', 'said', 'number', 'truth', 'bytes', 'body', 'at'] as const;
type Row = { id: number; said?: string; number?: number; truth?: boolean; bytes?: string; body?: object; at?: string };
let dataSource: DataSource;

beforeAll(async () => {
  dataSource = await openDatabase({ schema: 'copied', settings: { DATABASE_URL: process.env['DATABASE_URL'], DATABASE_SCHEMA_PREFIX: `t${randomUUID().slice(0, 8)}_` }, migrations: [Copied1700000000003] });
});
afterAll(() => dataSource.destroy());

const copy = (rows: readonly Row[]): Promise<void> => inTransaction(dataSource, (manager) => copyRows(manager, 'copied', COLUMNS, rows));

describe('copied rows', () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom('\\', '\n', '\r', '\t', '\0', 'N', '.', '"', 'u', '\ud800', '🛫'), fc.string({ minLength: 1, maxLength: 1 })), maxLength: 12 });
  const rows = fc.array(
    fc.record({ said: text, number: fc.double(), truth: fc.boolean(), bytes: fc.uint8Array({ maxLength: 8 }), body: fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null), fc.array(text))) }, { requiredKeys: [] }),
    { minLength: 1, maxLength: 20 },
  );

  it('read back as what was given, whatever characters are in it; only what PostgreSQL cannot hold becomes U+FFFD', () =>
    fc.assert(
      fc.asyncProperty(rows, async (given) => {
        await query(dataSource, 'TRUNCATE copied');
        await copy(given.map((row, id) => ({ id, ...row, bytes: row.bytes === undefined ? undefined : `\\x${Buffer.from(row.bytes).toString('hex')}` }) as Row));
        const read = await query<{ said: string | null; number: number | null; truth: boolean | null; bytes: Buffer | null; body: object | null }>(dataSource, 'SELECT * FROM copied ORDER BY id');
        given.forEach((row, id) => {
          const { said, number, truth, bytes } = read[id]!;
          expect({ said, truth, bytes: bytes === null ? null : [...bytes] }).toEqual({ said: row.said === undefined ? null : storable(row.said), truth: row.truth ?? null, bytes: row.bytes === undefined ? null : [...row.bytes] });
          expect(number).toEqual(row.number ?? null);
        });
        // PostgreSQL compares: this Node's JSON.parse now and then reads the key "\n" or "\"" as a lone backslash, when it has read others before.
        const bodies = given.map(({ body }, id) => ({ id, body: body === undefined ? null : storable(body) }));
        const differing = 'SELECT r.id FROM json_to_recordset($1) AS r(id int, body jsonb) JOIN copied c USING (id) WHERE c.body IS DISTINCT FROM r.body';
        expect(await query(dataSource, differing, [JSON.stringify(bodies)])).toEqual([]);
      }),
      { numRuns: 60 },
    ));

  it('one that is there already fails the whole, and is told from other failures', async () => {
    await query(dataSource, 'TRUNCATE copied');
    await copy([{ id: 1, said: 'first' }]);
    const failure = await copy([{ id: 2 }, { id: 1 }]).catch((error: unknown) => error);
    expect(isUniqueViolation(failure)).toBe(true);
    expect(await query(dataSource, 'SELECT id, said FROM copied')).toEqual([{ id: 1, said: 'first' }]);
    const other = await copy([{ id: 3, at: 'yesterday or so' }]).catch((error: unknown) => error);
    expect([other instanceof Error, isUniqueViolation(other)]).toEqual([true, false]);
    // The connection is as good as before.
    await copy([{ id: 3, at: '2001-02-03T04:05:06.789Z' }]);
    expect(await query(dataSource, 'SELECT at FROM copied WHERE id = 3')).toEqual([{ at: new Date('2001-02-03T04:05:06.789Z') }]);
  });
});
