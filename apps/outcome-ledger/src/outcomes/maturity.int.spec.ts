import type { OutcomeDeclaration } from '@throughline/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { declared, get, joinsOf, joinsOnce, recorded } from './testing.js';

vi.setConfig({ testTimeout: 30_000 });

let home: Installation;
let ledger: RunningService;
let revision = 0;

const NEGATIVE: OutcomeDeclaration = { maturitySeconds: 3600, whenMissing: 'negative', valueMicroUsd: { falsePositive: -500, trueNegative: 1 } };

async function declare(model: string, declaration: OutcomeDeclaration, task?: 'regression'): Promise<void> {
  revision += 1;
  await home.publish('model.deployment.v1', [{ key: model, data: { ...deployment({ model, revision, outcome: declaration }, task), updatedAt: new Date().toISOString() } }]);
  if (ledger !== undefined) await declared(home, model, revision);
}

beforeAll(async () => {
  home = await install({ OUTCOME_MATURITY_SWEEP_MS: '50' });
  await declare('flight-delay', NEGATIVE);
  ledger = await home.startLedger();
  await home.startLedger();
}, 60_000);
afterAll(() => home.close());

const at = (time: string): string => `2001-02-03T${time}Z`;
const predict = async (model: string, predictions: Readonly<Record<string, string>>, over: Parameters<typeof scored>[1] = {}): Promise<void> => {
  await home.publish('prediction.scored.v1', Object.entries(predictions).map(([requestId, time]) => ({ key: model, data: scored(requestId, { model, occurredAt: at(time), ...over }) })));
  await recorded(home, ...Object.keys(predictions));
};
/** The sweep has passed this event time; what lies before it is decided. */
const swept = (model: string, time: string) => eventually('the sweep', async () => (await home.sql('SELECT 1 FROM outcome_maturity WHERE model = $1 AND done_at >= $2', [model, at(time)])).length === 1);

it('a mature prediction without an outcome is joined once with the “no” that its model declares, at its maturity, by two ledgers at a time; younger ones wait', async () => {
  await predict('flight-delay', { old: '04:00:00', wrong: '04:10:00', young: '05:00:00', newest: '05:30:00' });
  expect(await joinsOnce(home, 'old', 1)).toEqual([expect.objectContaining({
    outcome: false, assumed: true, outcomeSource: 'throughline/maturity', sequence: 0, correction: false, outcomeOccurredAt: '2001-02-03T05:00:00.000Z', delaySeconds: 3600, error: 0.75, correct: false, valueMicroUsd: -500,
  })]);
  await swept('flight-delay', '04:10:00');
  expect(await joinsOf(home, 'wrong')).toHaveLength(1);
  expect(await joinsOf(home, 'young')).toEqual([]);
  expect(await get(ledger, '/ledger/v1/summary')).toMatchObject({ joined: 2, assumed: 2, outcomes: 0 });
});

it('a real outcome that comes later supersedes it, whatever its sequence and however early it says that it was seen; a copy of it has no effect', async () => {
  await home.publish('outcome.observed.v1', [{ key: 'o', data: outcome('old', { value: true, occurredAt: at('04:00:01'), observedAt: at('04:00:01') }) }, { key: 'o', data: outcome('old', { value: true, occurredAt: at('04:00:01'), observedAt: at('04:00:01') }) }]);
  const joins = await joinsOnce(home, 'old', 2);
  expect(joins[1]).toMatchObject({ outcome: true, correction: true, outcomeSource: 'arrivals', correct: true });
  expect(joins[1]).not.toHaveProperty('assumed');
  expect(await home.sql('SELECT is_assumed, outcome FROM prediction_joined WHERE prediction_id = $1', [idOf('old')])).toEqual([{ is_assumed: false, outcome: true }]);
  expect(await get(ledger, '/ledger/v1/summary')).toMatchObject({ joined: 2, assumed: 1, outcomes: 1 });
});

it('a prediction that comes when the sweep has passed its time is found all the same, and one whose outcome came first is not touched', async () => {
  await home.publish('outcome.observed.v1', [{ data: outcome('late-known', { value: true, occurredAt: at('02:30:00') }) }]);
  await eventually('the waiting one', async () => (await home.sql('SELECT 1 FROM outcome WHERE subject_id = $1', [idOf('late-known')])).length === 1);
  await predict('flight-delay', { 'late-unknown': '02:00:00', 'late-known': '02:10:00' });
  expect(await joinsOnce(home, 'late-unknown', 1)).toMatchObject([{ assumed: true, outcome: false }]);
  await eventually('nothing noted', async () => (await home.sql('SELECT 1 FROM late_maturity')).length === 0);
  expect(await joinsOf(home, 'late-known')).toMatchObject([{ outcome: true, correction: false }]);
});

it('a higher attempt has it told anew, and a shadow that comes later takes it along', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('wrong', { occurredAt: at('04:10:00'), attempt: 1, score: 0.1 }) }]);
  expect((await joinsOnce(home, 'wrong', 2))[1]).toMatchObject({ assumed: true, correction: true, correct: true, valueMicroUsd: 1 });
  await home.publish('prediction.shadowed.v1', [{ data: scored('wrong', { occurredAt: at('04:10:00'), version: '2', role: 'shadow', score: 0.9 }) }]);
  expect((await joinsOnce(home, 'wrong', 3))[2]).toMatchObject({ assumed: true, correction: true, shadows: [{ version: '2', error: 0.9 }] });
  expect(await home.sql(`SELECT count FROM tally WHERE measure = 'assumed' AND count <> 0`)).toEqual([{ count: '2' }]);
});

it('where nothing is declared of those that are missing nothing is told, nor of a regression; once it is declared, those of before count too', async () => {
  await declare('silent', { maturitySeconds: 3600 });
  await declare('minutes', NEGATIVE, 'regression');
  await predict('silent', { 'silent-old': '04:00:00', 'silent-new': '06:00:00' });
  await predict('minutes', { 'minutes-old': '04:00:00', 'minutes-new': '06:00:00' });
  await swept('minutes', '04:00:00');
  expect([...(await joinsOf(home, 'silent-old')), ...(await joinsOf(home, 'minutes-old'))]).toEqual([]);
  await declare('silent', NEGATIVE);
  expect(await joinsOnce(home, 'silent-old', 1)).toMatchObject([{ assumed: true }]);
});

it('what the sweep has decided it does not look at again, and a model that takes its declaration back is forgotten', async () => {
  const [before] = await home.sql<{ done_at: Date }>(`SELECT done_at FROM outcome_maturity WHERE model = 'flight-delay'`);
  expect(before!.done_at.toISOString()).toBe('2001-02-03T04:10:00.000Z');
  await declare('flight-delay', { maturitySeconds: 3600 });
  await eventually('nothing remembered', async () => (await home.sql(`SELECT 1 FROM outcome_maturity WHERE model = 'flight-delay'`)).length === 0);
});
