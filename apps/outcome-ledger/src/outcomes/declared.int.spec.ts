import type { OutcomeDeclaration } from '@throughline/contracts';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { codeOf, declared, get, joinsOf, joinsOnce, recorded } from './testing.js';

vi.setConfig({ testTimeout: 30_000 });

let home: Installation;
let ledger: RunningService;
let revision = 0;

async function declare(model: string, declaration: OutcomeDeclaration | undefined, task?: 'regression'): Promise<void> {
  revision += 1;
  await home.publish('model.deployment.v1', [{ key: model, data: { ...deployment({ model, revision, ...(declaration && { outcome: declaration }) }, task), updatedAt: new Date().toISOString() } }]);
  if (ledger !== undefined) await declared(home, model, revision);
}

const VALUES = { truePositive: 2_000_000, falsePositive: -500_000 };

beforeAll(async () => {
  home = await install();
  await declare('flight-delay', { positiveFrom: 15, valueMicroUsd: VALUES });
  ledger = await home.startLedger();
}, 60_000);
afterAll(() => home.close());

async function joined(requestId: string, over: Parameters<typeof scored>[1], observed: Parameters<typeof outcome>[1]) {
  await home.publish('prediction.scored.v1', [{ data: scored(requestId, over) }]);
  await recorded(home, requestId);
  await home.publish('outcome.observed.v1', [{ data: outcome(requestId, observed) }]);
  return (await joinsOnce(home, requestId, 1))[0]!;
}

it('a number is true or false from where its model says, told with what was sent, what the decision was worth, and the chance that this version made it', async () => {
  expect(await joined('minutes', { propensity: 0.25 }, { value: 31 })).toMatchObject({ outcome: true, observed: 31, error: -0.25, correct: true, valueMicroUsd: 2_000_000, propensity: 0.25 });
  expect(await joined('punctual', {}, { value: 14.9 })).toMatchObject({ outcome: false, observed: 14.9, error: 0.75, correct: false, valueMicroUsd: -500_000 });
  expect(await joined('plain', {}, { value: true })).not.toHaveProperty('observed');
  expect(await home.sql('SELECT outcome, outcome_number, observed, value_micro_usd, is_assumed FROM prediction_joined WHERE prediction_id = $1', [idOf('minutes')])).toEqual([{ outcome: true, outcome_number: 1, observed: 31, value_micro_usd: 2_000_000, is_assumed: false }]);
});

it('an expression computes it from value, text, source and delay', async () => {
  await declare('churn', { expression: 'text == "churned" && delaySeconds > 3600', valueMicroUsd: { truePositive: 7 } });
  expect(await joined('churned', { model: 'churn' }, { value: 'churned' })).toMatchObject({ outcome: true, observed: 'churned', correct: true, valueMicroUsd: 7 });
  expect(await joined('stayed', { model: 'churn' }, { value: 'stayed' })).toMatchObject({ outcome: false, correct: false, valueMicroUsd: 0 });
  await declare('minutes', { expression: 'value / 60' }, 'regression');
  expect(await joined('seconds', { model: 'minutes' }, { value: 90 })).toMatchObject({ outcome: 1.5, observed: 90, error: 0.75 - 1.5 });
});

it('what is exported for training is the declared truth', async () => {
  await declare('exported', { positiveFrom: 15 });
  await joined('exported', { model: 'exported' }, { value: 31 });
  const answer = await fetch(`${ledger.url}/ledger/v1/exports`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'exported', joinedOnly: true }) });
  expect(await parquetReadObjects({ file: await answer.arrayBuffer() })).toMatchObject([{ prediction_id: idOf('exported'), outcome: 1 }]);
});

it('of the wrong type it is a dead letter: what the declaration makes of it must be what the model’s task asks for, also when it came first', async () => {
  await home.publish('outcome.observed.v1', [{ data: outcome('early-text', { value: 'late', sequence: 4 }) }]);
  await eventually('the waiting one', async () => (await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('early-text')])).length === 1);
  await home.publish('prediction.scored.v1', [{ data: scored('text') }, { data: scored('early-text') }]);
  await recorded(home, 'text', 'early-text');
  await home.publish('outcome.observed.v1', [{ data: outcome('text', { value: 'late' }) }]);
  const letters = await eventually('the letters', async () => {
    const found = (await home.deadLetters()).filter(({ value }) => [idOf('text'), idOf('early-text')].some((id) => value?.includes(id)));
    return found.length === 2 && found;
  });
  expect(letters.map(codeOf)).toEqual(['outcome_wrong_type', 'outcome_wrong_type']);
  expect(await joinsOf(home, 'text')).toEqual([]);
});

it('a change of the declaration judges what is joined from then on; what was told stays told, and what no longer fits stays in the history', async () => {
  await declare('changing', { positiveFrom: 15 });
  expect(await joined('before', { model: 'changing' }, { value: 20 })).toMatchObject({ outcome: true });
  await declare('changing', { positiveFrom: 30 });
  expect(await joined('after', { model: 'changing' }, { value: 20 })).toMatchObject({ outcome: false });
  expect(await joinsOf(home, 'before')).toHaveLength(1);
  await declare('changing', undefined);
  await home.publish('outcome.observed.v1', [{ data: outcome('before', { value: true, source: 'somebody', occurredAt: '2001-02-03T10:00:00Z' }) }]);
  expect((await joinsOnce(home, 'before', 2)).map(({ outcome: truth, correction }) => [truth, correction])).toEqual([[true, false], [true, true]]);
  expect(await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('before')])).toHaveLength(2);
});

it('of a model that is deployed no more it is judged as was last declared, also by a ledger that starts later', async () => {
  await declare('archived', { positiveFrom: 15 });
  await home.publish('prediction.scored.v1', [{ data: scored('archived', { model: 'archived' }) }]);
  await recorded(home, 'archived');
  await ledger.close();
  // Its key is deleted from the compacted topic, as if it had never been.
  await home.publishRaw([{ topic: 'model.deployment.v1', key: 'archived', value: null }]);
  ledger = await home.startLedger();
  await home.publish('outcome.observed.v1', [{ data: outcome('archived', { value: 20 }) }]);
  expect(await joinsOnce(home, 'archived', 1)).toMatchObject([{ outcome: true, observed: 20 }]);
  expect((await get(ledger, '/ledger/v1/summary')).joined).toBeGreaterThan(0);
});
