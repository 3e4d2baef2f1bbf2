import { eventually } from '@throughline/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recorded } from '../outcomes/testing.js';
import { idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

let home: Installation;
let url: string;

beforeAll(async () => {
  home = await install();
  ({ url } = await home.startLedger());
});
afterAll(() => home.close());

it('an erasure locks correlations before keys, as the intake of outcomes does: the two never wait for each other in a circle', async () => {
  const { predictionId: _, ...unnamed } = outcome('x');
  await home.publish('prediction.scored.v1', [{ data: scored('about', { entities: { customer: 'c-1' } }) }]);
  await recorded(home, 'about');
  await home.publish('outcome.observed.v1', [{ data: { ...unnamed, correlationKey: { model: 'flight-delay', entityRole: 'customer', entityId: 'c-1', from: '1999-01-01T00:00:00Z', to: '1999-01-02T00:00:00Z' } } }]);
  await eventually('the correlation', async () => (await home.sql('SELECT FROM correlation')).length === 1);
  const intake = new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger -c lock_timeout=500` });
  await intake.connect();
  try {
    await intake.query('BEGIN');
    const { rows: [{ pid }] } = await intake.query('SELECT pg_backend_pid() AS pid, correlation_id FROM correlation FOR UPDATE');
    const answer = await fetch(`${url}/ledger/v1/erasures`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ entityId: 'c-1', reason: 'asked' }) });
    expect(answer.ok).toBe(true);
    await eventually('the erasure to wait', async () => (await home.sql('SELECT FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))', [pid])).length > 0);
    expect((await intake.query('SELECT 1 FROM prediction_key WHERE prediction_id = $1 FOR UPDATE', [idOf('about')])).rowCount).toBe(1);
    await intake.query('COMMIT');
  } finally {
    await intake.end();
  }
  await eventually('the end of the erasure', async () => (await home.sql(`SELECT FROM erasure WHERE state = 'done'`)).length === 1);
});
