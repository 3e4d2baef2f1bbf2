import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { DataSource } from 'typeorm';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

const SECRET = 'a secret that nobody would ever guess';
let home: Installation;
let ledger: RunningService;

beforeAll(async () => {
  home = await install({ LEDGER_HASH_KEY: SECRET });
  await home.publish('model.deployment.v1', [
    { data: deployment() },
    { data: { ...deployment({ model: 'texts', privacy: { entities: { customer: 'hash' } } }), champion: { ...deployment().champion!, signature: { ...deployment().champion!.signature, task: 'other' } } } },
  ]);
  ledger = await home.startLedger();
});
afterAll(() => home.close());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are plain JSON
const call = async (path: string, body?: unknown): Promise<any> =>
  (await fetch(`${ledger.url}/ledger/v1${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
const recorded = (requestId: string) => eventually(requestId, async () => (await home.sql('SELECT FROM prediction WHERE prediction_id = $1', [idOf(requestId)])).length === 1);
const outcomesOf = (requestId: string, count: number) => eventually(`outcomes of ${requestId}`, async () => (await home.sql('SELECT FROM outcome WHERE subject_id = $1', [idOf(requestId)])).length === count);
const rowOf = async (requestId: string) => (await home.sql('SELECT *, length(features) AS width FROM prediction WHERE prediction_id = $1', [idOf(requestId)]))[0];
async function erase(body: object): Promise<{ erasureId: string; erased: Record<string, number> }> {
  const { erasureId } = await call('/erasures', { reason: 'ticket 17', ...body });
  return eventually('the end of the erasure', async () => {
    const one = await call(`/erasures/${erasureId}/progress`);
    return one.state === 'done' && one;
  });
}
/** Everything that the ledger holds, in every table but the outbox, as text. */
async function everything(): Promise<string> {
  const tables = await home.sql<{ name: string }>(`SELECT quote_ident(relname) AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace`);
  const texts = await Promise.all(tables.map(({ name }) => home.sql<{ text: string | null }>(`SELECT string_agg(t::text, '\n') AS text FROM ${name} t`)));
  return texts.map(([row]) => row?.text ?? '').join('\n');
}

it('an erased entity is nowhere in the ledger, under any role, as routing key, hashed, in outcomes and in correlations; what statistics are made of stays', async () => {
  const about = { requestId: 'order-of-4711', features: { values: [31337, 'Elm Street', 0.5] } };
  await home.publish('prediction.scored.v1', [
    { data: { ...scored('in-role', { entities: { customer: 'c-4711', origin: 'SFO' } }), features: about.features } },
    { data: { ...scored('other-role', { entities: { payer: 'c-4711' } }), features: about.features } },
    { data: { ...scored('routed', { routingKey: 'c-4711', entities: { customer: 'somebody' } }), features: about.features } },
    { data: { ...scored('hashed', { model: 'texts', entities: { customer: 'c-4711' } }), features: about.features } },
    { data: scored('bystander', { entities: { customer: 'c-47110', origin: 'SFO' }, features: { values: [1, 'Oak Street', 2] } }) },
  ]);
  await home.publish('prediction.shadowed.v1', [{ data: { ...scored('in-role', { entities: { customer: 'c-4711' }, version: '2', role: 'shadow' }), features: about.features } }]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { entities: { customer: 'c-4711' } }) }]);
  for (const id of ['in-role', 'other-role', 'routed', 'hashed', 'bystander', 'refused']) await recorded(id);
  const { predictionId: _, ...unnamed } = outcome('x');
  await home.publish('outcome.observed.v1', [
    { data: outcome('in-role') }, { data: outcome('hashed', { value: 'moved to Elm Street' }) }, { data: outcome('bystander') }, { data: outcome('refused', { value: 'cried' }) },
    { data: { ...unnamed, value: 'never found', correlationKey: { model: 'flight-delay', entityRole: 'customer', entityId: 'c-4711', from: '1999-01-01T00:00:00Z', to: '1999-01-02T00:00:00Z' } } },
  ]);
  for (const id of ['in-role', 'hashed', 'bystander', 'refused']) await outcomesOf(id, 1);
  await eventually('the correlation and the shadow', async () => (await home.sql('SELECT FROM correlation')).length === 1 && (await home.sql('SELECT FROM prediction_shadow')).length === 1);
  const summary = await call('/summary');
  await fetch(`${ledger.url}/ledger/v1/queries/about-them`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ filter: { entity: 'customer:c-4711' } }) });

  const { erasureId: id, erased } = await erase({ entityId: 'c-4711' });
  expect(erased).toMatchObject({ predictions: 5, shadows: 1, correlations: 1, queries: 1 });
  const all = await everything();
  for (const value of ['c-4711"', 'c-4711,', 'Elm Street', 'never found', 'cried', '31337']) expect(all, value).not.toContain(value);
  expect(await rowOf('in-role')).toMatchObject({ score: 0.75, model: 'flight-delay', width: 0, entities: null, request_id: '', outputs: {}, erased_at: expect.any(Date) });
  expect(await rowOf('bystander')).toMatchObject({ entities: { customer: 'c-47110', origin: 'SFO' }, erased_at: null });
  expect(await home.sql('SELECT outcome, correct FROM prediction_joined WHERE prediction_id = $1', [idOf('in-role')])).toEqual([{ outcome: true, correct: true }]);
  expect(await call('/summary')).toEqual(summary);

  const proof = { isErased: true, holding: { prediction: 0, prediction_shadow: 0, correlation: 0, saved_query: 0 }, erasedWithValues: 0 };
  const told = await call(`/erasures/${id}`);
  expect(told).toMatchObject({ state: 'done', requestedBy: 'anonymous', reason: 'ticket 17', proof });
  expect(await call(`/erasures/${id}/proof`, { entityId: 'c-4711' })).toMatchObject(proof);
  expect(await call(`/erasures/${id}/proof`, { entityId: 'c-47110' })).toMatchObject({ code: 'invalid_request' });
  expect(JSON.stringify(told)).not.toContain('c-4711');
  expect((await home.sql<{ count: string }>(told.proof.sql.replaceAll(":'entity'", "'c-4711'").replace(';', ''))).map(({ count }) => count)).toEqual(['0', '0', '0']);
  // A proof that cannot fail proves nothing.
  await home.sql(`UPDATE prediction SET entities = '{"payer": "c-4711"}' WHERE prediction_id = $1`, [idOf('in-role')]);
  for (const failed of [(await call(`/erasures/${id}`)).proof, await call(`/erasures/${id}/proof`, { entityId: 'c-4711' })]) {
    expect(failed).toMatchObject({ isErased: false, holding: { prediction: 1 }, erasedWithValues: 1 });
  }
  await home.sql('UPDATE prediction SET entities = NULL WHERE prediction_id = $1', [idOf('in-role')]);
});

it('what was requested before the erasure and arrives later is taken in without its values, and so are late outcomes; what is requested afterwards is not', async () => {
  const requestedAt = new Date(Date.now() - 1_000).toISOString();
  const before = { entities: { customer: 'c-late' }, routingKey: 'c-late', requestedAt };
  await home.publish('prediction.scored.v1', [{ data: scored('known', { ...before, model: 'texts', entities: { payer: 'c-late' } }) }]);
  await recorded('known');
  await home.publish('outcome.observed.v1', [{ data: outcome('straggler', { value: 'text of a straggler' }) }]);
  await outcomesOf('straggler', 1);
  const { erasureId: id } = await erase({ entityId: 'c-late' });
  await home.publish('prediction.scored.v1', [
    { data: scored('straggler', { ...before, model: 'texts', entities: { payer: 'c-late' } }) }, { data: scored('fresh', { ...before, requestedAt: new Date(Date.now() + 60_000).toISOString() }) }, { data: scored('known', { ...before, attempt: 1 }) },
  ]);
  await home.publish('prediction.shadowed.v1', [{ data: scored('straggler', { ...before, version: '2', role: 'shadow' }) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('known', { value: true }) }, { data: outcome('straggler', { value: 'a correction of it', sequence: 1 }) }]);
  await recorded('fresh');
  await outcomesOf('straggler', 2);
  await eventually('the shadow', async () => (await home.sql('SELECT FROM prediction_shadow WHERE prediction_id = $1', [idOf('straggler')])).length === 1);
  await eventually('the higher attempt', async () => (await rowOf('known'))?.['attempt'] === '1');
  for (const requestId of ['straggler', 'known']) expect(await rowOf(requestId)).toMatchObject({ entities: null, routing_key: null, width: 0, erased_at: expect.any(Date) });
  expect(await rowOf('fresh')).toMatchObject({ entities: { customer: 'c-late' }, erased_at: null });
  expect((await home.sql<{ value: unknown }>('SELECT value FROM outcome WHERE subject_id = $1', [idOf('straggler')])).map(({ value }) => value)).toEqual(['', '']);
  expect((await call(`/erasures/${id}`)).proof).toMatchObject({ isErased: true });
  const joined = (await home.read('outcome.joined.v1')).filter(({ data }) => data.predictionId === idOf('straggler'));
  expect(JSON.stringify(joined.map(({ data }) => [data.entities, data.routingKey, data.requestId]))).not.toContain('c-late');
});

it('what is joined at the very moment in which its prediction is erased keeps no text either', async () => {
  const { predictionId: _, ...unnamed } = outcome('x');
  const correlationKey = { model: 'texts', entityRole: 'gate', entityId: 'B-77', from: '2001-02-01T00:00:00Z', to: '2001-02-09T00:00:00Z' };
  await home.publish('outcome.observed.v1', [{ data: { ...unnamed, value: 'seen at Elm Street', correlationKey } }]);
  await eventually('the correlation', async () => (await home.sql(`UPDATE correlation SET next_look_at = 'infinity' WHERE entity_id = 'B-77' RETURNING 1`))[1] as unknown as number > 0);
  await home.publish('prediction.scored.v1', [{ data: scored('meanwhile', { model: 'texts', entities: { gate: 'B-77', payer: 'c-meanwhile' } }) }]);
  await recorded('meanwhile');
  const holder = await new DataSource({ type: 'postgres', url: home.env['DATABASE_URL']!, extra: { max: 1 } }).initialize();
  const waiting = (count: number) => eventually(`${count} waiting for the key`, async () => {
    const waiters = await holder.query<unknown[]>(`WITH RECURSIVE w AS (SELECT pg_backend_pid() AS pid UNION SELECT a.pid FROM pg_stat_activity a JOIN w ON w.pid = ANY(pg_blocking_pids(a.pid))) SELECT FROM w WHERE pid <> pg_backend_pid()`);
    return waiters.length >= count;
  });
  await holder.query('BEGIN');
  await holder.query(`SELECT FROM ${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger.prediction_key WHERE prediction_id = $1 FOR UPDATE`, [idOf('meanwhile')]);
  const erased = erase({ entityId: 'c-meanwhile' });
  await waiting(1);
  // Found by its gate while it still has one; it must wait for the erasure, and then there is nothing left to say of it.
  await home.sql(`UPDATE correlation SET next_look_at = now() WHERE entity_id = 'B-77'`);
  await waiting(2);
  await holder.query('COMMIT');
  await holder.destroy();
  await erased;
  await outcomesOf('meanwhile', 1);
  expect(await everything()).not.toContain('seen at Elm Street');
});

it('in a role it leaves alone whoever is called the same in another, and of a model the other models', async () => {
  await home.publish('prediction.scored.v1', [
    { data: scored('r-1', { entities: { customer: '42' } }) }, { data: scored('r-2', { entities: { seat: '42', customer: '7' }, routingKey: '42' }) },
    { data: scored('r-3', { entities: { seat: '42' }, routingKey: '42' }) }, { data: scored('r-4', { model: 'another', entities: { customer: '42' } }) },
  ]);
  for (const id of ['r-1', 'r-2', 'r-3', 'r-4']) await recorded(id);
  expect((await erase({ entityId: '42', entityRole: 'customer', model: 'flight-delay' })).erased).toMatchObject({ predictions: 2 });
  const isErased = async (id: string) => (await rowOf(id))?.['erased_at'] !== null;
  expect(await Promise.all(['r-1', 'r-2', 'r-3', 'r-4'].map(isErased))).toEqual([true, false, true, false]);
});

it('an erasure of thousands of rows goes on where the ledger stopped, and asking twice is one job', async () => {
  const ROWS = 2_300;
  await home.publish('prediction.scored.v1', Array.from({ length: ROWS }, (_, index) => ({ data: scored(`many-${index}`, { entities: { customer: 'c-many' } }) })));
  await eventually('all rows', async () => (await home.sql(`SELECT FROM prediction WHERE entities @> '{"customer": "c-many"}'`)).length === ROWS);
  const ask = () => call('/erasures', { entityId: 'c-many', reason: 'twice' });
  const [first, second] = await Promise.all([ask(), ask()]);
  await ledger.close();
  ledger = await home.startLedger();
  const done = await eventually('the end', async () => {
    const one = await call(`/erasures/${first.erasureId}`);
    return one.state === 'done' && one;
  });
  expect(done).toMatchObject({ erased: { predictions: ROWS }, proof: { isErased: true } });
  expect(second.erasureId).toBe(first.erasureId);
  expect(await everything()).not.toContain('c-many');
});

it.each([[{ entityId: '' }, 'entityId'], [{ entityId: 'x', reason: '' }, 'reason'], [{ entityId: 'x', why: 'because' }, 'why']])('a request with a fault, %j, is refused with the place of the fault', async (body, place) => {
  expect(await call('/erasures', { reason: 'ticket', ...body })).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining(place) });
});
