import { eventually } from '@throughline/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recorded } from '../outcomes/testing.js';
import { scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

let home: Installation;
const requestedAt = new Date(Date.now() - 40 * 86_400_000).toISOString();
const suffix = requestedAt.slice(0, 10).replaceAll('-', '');

beforeAll(async () => {
  home = await install({ LEDGER_RETENTION_DAYS: '0' });
});
afterAll(() => home.close());

it('a day that retention had begun to take away, and that is now to be kept for longer, is taken back whole: what is in it and what comes for it', async () => {
  const first = await home.startLedger();
  await home.publish('prediction.scored.v1', [{ data: scored('before', { requestedAt }) }]);
  await recorded(home, 'before');
  await first.close();
  // As a round leaves it that ends in its midst: one table is off, another on its way.
  await home.sql(`ALTER TABLE prediction DETACH PARTITION prediction_${suffix}`);
  const other = (): pg.Client => new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger` });
  const [reader, detaching] = [other(), other()];
  await Promise.all([reader.connect(), detaching.connect()]);
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM prediction_joined');
  await detaching.query('SET lock_timeout = 300');
  await expect(detaching.query(`ALTER TABLE prediction_joined DETACH PARTITION prediction_joined_${suffix} CONCURRENTLY`)).rejects.toThrow('lock timeout');
  await Promise.all([reader.end(), detaching.end()]);
  await home.startLedger();
  await home.publish('prediction.scored.v1', [{ data: scored('after', { requestedAt }) }]);
  await recorded(home, 'before', 'after');
  expect(await eventually('all tables', async () => (await home.sql(`SELECT FROM pg_inherits WHERE NOT inhdetachpending AND inhrelid::regclass::text ~ '_${suffix}$' AND inhparent::regclass::text !~ 'pkey|idx'`)).length >= 3)).toBe(true);
  expect(await home.deadLetters()).toEqual([]);
});
