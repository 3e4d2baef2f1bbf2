import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, scored } from './testing/events.js';
import { install, type Installation } from './testing/installation.js';
import { codeOf, declared, joinsOnce, recorded } from './outcomes/testing.js';

vi.setConfig({ testTimeout: 30_000 });

let home: Installation;

beforeAll(async () => {
  home = await install({ OUTCOME_MATURITY_SWEEP_MS: '50' });
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  await home.startLedger();
}, 60_000);
afterAll(() => home.close());

const lettersOf = async (requestId: string) => (await home.deadLetters()).filter(({ value }) => value?.includes(idOf(requestId))).map((letter) => [codeOf(letter), letter.headers['dead-letter-reason']?.toString(), letter.headers['dead-letter-attempts']?.toString()]);

it('instants and numbers that no calendar of the ledger or no column holds are dead letters at once, each with its field, and what comes beside them is taken in', async () => {
  const odd: Record<string, Parameters<typeof scored>[1]> = {
    'year-0': { occurredAt: '0000-06-01T00:00:00Z' }, 'year-10000': { occurredAt: '9999-12-31T23:59:59-10:00' }, 'attempt': { attempt: 1e19 }, 'revision': { assignmentRevision: 2 ** 53 }, 'batch': { batchSize: 1e300 }, 'row': { row: 1e16 },
  };
  await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('beside') }, ...Object.entries(odd).map(([id, over]) => ({ key: 'k', data: scored(id, over) })), { key: 'k', data: scored('first-year', { occurredAt: '0001-01-01T00:00:00Z' }) }, { key: 'k', data: scored('last-year', { occurredAt: '9999-12-31T23:59:59Z' }) }]);
  await recorded(home, 'beside', 'first-year', 'last-year');
  const letters = await eventually('the letters', async () => {
    const all = await Promise.all(Object.keys(odd).map(lettersOf));
    return all.every(({ length }) => length === 1) && all.flat();
  });
  const fields = ['occurredAt', 'occurredAt', 'attempt', 'assignmentRevision', 'batchSize', 'row'];
  expect(letters).toEqual(fields.map((field) => ['value_forbidden', expect.stringContaining(`data.${field} `), '1']));
  await home.publish('outcome.observed.v1', [{ key: 'k', data: outcome('first-year', { sequence: 1e17 }) }, { key: 'k', data: outcome('first-year', { sequence: 2 ** 53 - 1, occurredAt: '0001-01-02T00:00:00Z' }) }]);
  expect(await joinsOnce(home, 'first-year', 1)).toMatchObject([{ predictedFor: '0001-01-01T00:00:00.000Z', sequence: 2 ** 53 - 1 }]);
  expect(await eventually('the letter', async () => (await lettersOf('first-year')).at(0))).toEqual(['value_forbidden', expect.stringContaining('data.sequence '), '1']);
});

it('a model whose events are of the first year of all does not keep other models from their maturity', async () => {
  const declaration = { maturitySeconds: 366 * 86_400, whenMissing: 'negative' as const };
  for (const model of ['ancient', 'modern']) {
    await home.publish('model.deployment.v1', [{ key: model, data: { ...deployment({ model, outcome: declaration }), updatedAt: new Date().toISOString() } }]);
    await declared(home, model, 1);
  }
  await home.publish('prediction.scored.v1', [{ data: scored('zero', { model: 'ancient', occurredAt: '0001-01-01T00:00:00Z' }) }, { data: scored('old', { model: 'modern', occurredAt: '2001-01-01T00:00:00Z' }) }, { data: scored('new', { model: 'modern', occurredAt: '2003-01-01T00:00:00Z' }) }]);
  expect(await joinsOnce(home, 'old', 1)).toMatchObject([{ assumed: true }]);
});

it('a model of which no join can be written does not keep those after it from theirs', async () => {
  await home.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`);
  await home.sql(`CREATE TRIGGER refuse BEFORE INSERT ON prediction_joined FOR EACH ROW WHEN (NEW.model = 'refused') EXECUTE FUNCTION refuse()`);
  for (const model of ['refused', 'after']) {
    await home.publish('model.deployment.v1', [{ key: model, data: { ...deployment({ model, outcome: { maturitySeconds: 3600, whenMissing: 'negative' } }), updatedAt: new Date().toISOString() } }]);
    await declared(home, model, 1);
    await home.publish('prediction.scored.v1', [{ data: scored(`${model}-old`, { model, occurredAt: '2001-01-01T00:00:00Z' }) }, { data: scored(`${model}-new`, { model }) }]);
    await recorded(home, `${model}-old`, `${model}-new`);
  }
  expect(await joinsOnce(home, 'after-old', 1)).toMatchObject([{ assumed: true }]);
  expect(await home.sql('SELECT FROM prediction_joined WHERE prediction_id = $1', [idOf('refused-old')])).toEqual([]);
});
