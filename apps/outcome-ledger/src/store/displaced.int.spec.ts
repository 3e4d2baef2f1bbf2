import type { OutcomeDeclaration } from '@throughline/contracts';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { declared, joinsOnce, recorded } from '../outcomes/testing.js';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 30_000 });

let home: Installation;

async function declare(model: string, revision: number, more: { outcome?: OutcomeDeclaration }): Promise<void> {
  await home.publish('model.deployment.v1', [{ key: model, data: { ...deployment({ model, revision, ...more }), updatedAt: new Date().toISOString() } }]);
  await declared(home, model, revision);
}
const answer = async (requestId: string, over: Parameters<typeof scored>[1] = {}): Promise<void> => {
  await home.publish('prediction.scored.v1', [{ data: scored(requestId, over) }]);
  await recorded(home, requestId);
};
const observe = (requestId: string, over: Parameters<typeof outcome>[1] = {}) => home.publish('outcome.observed.v1', [{ key: requestId, data: outcome(requestId, over) }]);
const joinGone = (requestId: string) => eventually('the displaced join', async () => (await home.sql('SELECT FROM prediction_joined WHERE prediction_id = $1', [idOf(requestId)])).length === 0);
const numbersOf = async (requestId: string, count: number) => (await joinsOnce(home, requestId, count)).map(({ revision, correction }) => [revision, correction]);

beforeAll(async () => {
  home = await install({ OUTCOME_MATURITY_SWEEP_MS: '50' });
  await home.startLedger();
}, 60_000);
afterAll(() => home.close());

it('words on a prediction are numbered on after its outcome did not fit the answer of a higher attempt, and nothing was told for a time', async () => {
  await declare('flight-delay', 1, { outcome: { positiveFrom: 15 } });
  await answer('minutes');
  await observe('minutes', { value: 20 });
  await numbersOf('minutes', 1);
  await observe('minutes', { value: 5, sequence: 1 });
  await numbersOf('minutes', 2);
  await declare('flight-delay', 2, {});
  await home.publish('prediction.scored.v1', [{ data: scored('minutes', { attempt: 1 }) }]);
  await joinGone('minutes');
  await observe('minutes', { value: true, sequence: 2 });
  expect(await numbersOf('minutes', 3)).toEqual([[0, false], [1, true], [2, true]]);
  await home.publish('prediction.scored.v1', [{ data: scored('minutes', { attempt: 2, score: 0.25 }) }]);
  expect((await numbersOf('minutes', 4))[3]).toEqual([3, true]);
});

it('words on a prediction are numbered on after a higher attempt was rejected, whatever is told next: what was observed, or what is assumed', async () => {
  await declare('mature', 1, { outcome: { maturitySeconds: 3600, whenMissing: 'negative' } });
  await answer('observed');
  await observe('observed');
  await answer('assumed', { model: 'mature' });
  // Event time goes on.
  await answer('two hours later', { model: 'mature', occurredAt: '2001-02-03T06:05:06Z' });
  expect([await numbersOf('observed', 1), await numbersOf('assumed', 1)]).toEqual([[[0, false]], [[0, false]]]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('observed', { attempt: 1 }) }, { data: rejected('assumed', { attempt: 1, model: 'mature' }) }]);
  await Promise.all([joinGone('observed'), joinGone('assumed')]);
  await answer('observed', { attempt: 2 });
  await answer('assumed', { attempt: 2, model: 'mature' });
  expect((await numbersOf('observed', 2))[1]).toEqual([1, true]);
  expect((await numbersOf('assumed', 2))[1]).toEqual([1, true]);
});
