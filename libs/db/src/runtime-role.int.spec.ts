import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type DatabaseOptions } from './data-source.js';
import { appendOnlyProtection } from './runtime-role.js';
import { query } from './transaction.js';

class Tables1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE diary (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line text NOT NULL);
      CREATE TABLE notes (id int PRIMARY KEY, line text, diary_id bigint REFERENCES diary);
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only'; END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON diary FOR EACH STATEMENT EXECUTE FUNCTION refuse()`);
  }
  async down(): Promise<void> {}
}

class Later1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE diary ADD COLUMN author text;
      CREATE TABLE journal (line text);
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION refuse()`);
  }
  async down(): Promise<void> {}
}

const ownerUrl = process.env['DATABASE_URL']!;
const id = randomUUID().slice(0, 8);
const role = `runtime_${id}`;
const runtimeUrl = ((url) => {
  url.username = role;
  url.password = 'test';
  return url.toString();
})(new URL(ownerUrl));

let owner: pg.Client;
let dataSource: DataSource;
const options = (migrations: DatabaseOptions['migrations']): DatabaseOptions => ({ schema: `diaries_${id}`, settings: { DATABASE_URL: runtimeUrl }, ownerUrl, migrations: migrations ?? [] });

beforeAll(async () => {
  owner = new pg.Client({ connectionString: ownerUrl, options: `-c search_path=diaries_${id}` });
  await owner.connect();
  await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'test'`);
  dataSource = await openDatabase(options([Tables1700000000001]));
});
afterAll(async () => {
  await dataSource.destroy();
  await owner.query(`DROP SCHEMA diaries_${id} CASCADE`);
  await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await owner.end();
});

describe('a service that does not own its schema', () => {
  it('appends to what is append-only, reads it, refers to it, and changes everything else', async () => {
    await query(dataSource, "INSERT INTO diary (line) VALUES ('first')");
    await query(dataSource, "INSERT INTO notes VALUES (1, 'a', 1); UPDATE notes SET line = 'b'; DELETE FROM notes");
    expect(await query(dataSource, 'SELECT line FROM diary')).toEqual([{ line: 'first' }]);
  });

  it.each([
    "UPDATE diary SET line = 'never happened'",
    'DELETE FROM diary',
    'TRUNCATE diary',
    'SELECT * FROM diary FOR UPDATE',
    'DROP TRIGGER append_only ON diary',
    'ALTER TABLE diary DISABLE TRIGGER ALL',
    'ALTER TABLE diary OWNER TO CURRENT_USER',
    'ALTER TABLE diary RENAME TO old_diary',
    'DROP TABLE diary CASCADE',
    'CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$',
    'DROP FUNCTION refuse() CASCADE',
    'CREATE TRIGGER other BEFORE INSERT ON diary FOR EACH STATEMENT EXECUTE FUNCTION refuse()',
    'CREATE RULE gone AS ON INSERT TO diary DO INSTEAD NOTHING',
    'CREATE TABLE shadow (x int)',
    'DELETE FROM migrations',
    "INSERT INTO migrations (timestamp, name) VALUES (1, 'x')",
    'SET session_replication_role = replica',
    'SET ROLE throughline',
    `DROP SCHEMA diaries_${id} CASCADE`,
  ])('cannot %s', async (statement) => {
    await expect(query(dataSource, statement)).rejects.toThrow(/permission denied|must be (owner|able)/);
    expect(Number((await owner.query('SELECT count(*) FROM diary')).rows[0].count)).toBeGreaterThan(0);
  });

  it('cannot give itself a right', async () => {
    await query(dataSource, 'GRANT UPDATE ON diary TO CURRENT_USER'); // PostgreSQL only warns
    expect((await appendOnlyProtection(dataSource)).weaknesses).toEqual([]);
  });

  it('knows that it cannot; its owner knows that they can', async () => {
    expect(await appendOnlyProtection(dataSource)).toEqual({ role, weaknesses: [] });
    const asOwner = await openDatabase({ ...options([Tables1700000000001]), settings: { DATABASE_URL: ownerUrl }, ownerUrl: undefined });
    expect((await appendOnlyProtection(asOwner)).weaknesses).toEqual(['it is a superuser']);
    await asOwner.destroy();
  });

  it('is not called protected where nothing is append-only', async () => {
    const bare = await openDatabase({ ...options([]), schema: `bare_${id}` });
    try {
      expect((await appendOnlyProtection(bare)).weaknesses).toEqual(['no table has the trigger append_only']);
    } finally {
      await bare.destroy();
      await owner.query(`DROP SCHEMA bare_${id} CASCADE`);
    }
  });
  it('knows of a right that somebody gave it by mistake, and loses it at the next start', async () => {
    await owner.query(`GRANT UPDATE ON diary TO ${role}`);
    expect((await appendOnlyProtection(dataSource)).weaknesses).toEqual(['it may change diary']);
    await (await openDatabase(options([Tables1700000000001]))).destroy();
    expect((await appendOnlyProtection(dataSource)).weaknesses).toEqual([]);
  });

  it('still gets the migrations of a later version, new append-only tables protected like the old', async () => {
    const later = await openDatabase(options([Tables1700000000001, Later1700000000002]));
    await query(later, "INSERT INTO diary (line, author) VALUES ('second', 'ada'); INSERT INTO journal VALUES ('x')");
    await expect(query(later, 'DELETE FROM journal')).rejects.toThrow(/permission denied/);
    expect((await appendOnlyProtection(later)).weaknesses).toEqual([]);
    await later.destroy();
  });
});
