import { eventually } from '@throughline/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { joinsOnce, recorded } from './testing.js';

let home: Installation;
/** Stands for another transaction of the ledger, stopped wherever the test wants it. */
let other: pg.Client;
let pid: number;

beforeAll(async () => {
  home = await install({ OUTCOME_MATURITY_SWEEP_MS: '50' });
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ outcome: { maturitySeconds: 3600, whenMissing: 'negative' } }) }]);
  await home.startLedger();
});
afterAll(() => home.close());
beforeEach(async () => {
  other = new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger -c lock_timeout=500` });
  await other.connect();
  pid = (await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
  await other.query('BEGIN');
});
afterEach(() => other.end());

const key = (requestId: string) => home.sql('SELECT state FROM prediction_key WHERE prediction_id = $1', [idOf(requestId)]);
const lockKey = (requestId: string) => other.query('SELECT FROM prediction_key WHERE prediction_id = $1 FOR UPDATE', [idOf(requestId)]);
const somebodyWaits = () => eventually('somebody to wait', async () => (await home.sql('SELECT FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))', [pid])).length > 0);

it('the sweep locks keys before what is noted as late, as the intake of predictions does: the two never wait for each other in a circle', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('old', { occurredAt: '2001-01-01T00:00:00Z' }) }, { data: scored('new') }]);
  expect(await joinsOnce(home, 'old', 1)).toMatchObject([{ assumed: true }]);
  await lockKey('old');
  await home.sql('DELETE FROM prediction_joined WHERE prediction_id = $1', [idOf('old')]);
  const note = `INSERT INTO late_maturity SELECT model, occurred_at, prediction_id, day FROM prediction WHERE prediction_id = $1 ON CONFLICT (model, occurred_at, prediction_id) DO UPDATE SET day = excluded.day`;
  await home.sql(note, [idOf('old')]);
  await somebodyWaits();
  expect((await other.query(note, [idOf('old')])).rowCount).toBe(1);
  await other.query('COMMIT');
  await eventually('no note', async () => (await home.sql('SELECT FROM late_maturity')).length === 0);
  expect(await home.sql('SELECT is_assumed FROM prediction_joined WHERE prediction_id = $1', [idOf('old')])).toEqual([{ is_assumed: true }]);
});

it.each([
  ['prediction', async (requestId: string) => home.publish('prediction.scored.v1', [{ data: scored(requestId) }])],
  ['outcome', async (requestId: string) => home.publish('outcome.observed.v1', [{ data: outcome(requestId, { sequence: 1 }) }])],
])('a %s whose key retention takes away while its lock is waited for has a key all the same, so that whatever comes later meets it', async (kind, publish) => {
  const requestId = `forgotten-${kind}`;
  await home.publish('outcome.observed.v1', [{ data: outcome(requestId) }]);
  await eventually('the key', async () => (await key(requestId)).length === 1);
  await lockKey(requestId);
  await publish(requestId);
  await somebodyWaits();
  await other.query('DELETE FROM outcome WHERE subject_id = $1', [idOf(requestId)]);
  await other.query('DELETE FROM prediction_key WHERE prediction_id = $1', [idOf(requestId)]);
  await other.query('COMMIT');
  await eventually('the message', async () => (await home.sql('SELECT FROM prediction WHERE prediction_id = $1 UNION ALL SELECT FROM outcome WHERE subject_id = $1', [idOf(requestId)])).length === 1);
  expect(await key(requestId)).toHaveLength(1);
  await home.publish('prediction.scored.v1', [{ data: scored(requestId) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome(requestId, { sequence: 2 }) }]);
  await recorded(home, requestId);
  expect((await joinsOnce(home, requestId, 1)).at(-1)).toMatchObject({ outcome: true });
});
