import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry, type TestRegistry } from '../recompute/testing/registry.js';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import type { HistoryLine } from './domain/assignment.js';
import type { Since } from './domain/changes.js';
import type { Why } from './domain/why.js';
import { STORY } from './schema.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a story is plain JSON
type Told = any;

const ROLLOUT = { id: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11', strategy: 'canary' as const, candidate: '2' };
const line = (revision: number, over: Partial<HistoryLine> = {}): HistoryLine => ({ revision, champion: '1', challengers: [], shadows: [], author: 'ada@example.org', reason: null, decidedAt: `2026-11-0${revision}T12:00:00.000Z`, ...over });
/** The topic has only the last of them. */
const HISTORY = [
  line(5, { champion: '2', author: 'rollout', reason: 'every step has its minimums and no guard is breached' }),
  line(4, { challengers: [{ version: '2', share: 0.25 }], rollout: { ...ROLLOUT, step: 1 }, splitSalt: ROLLOUT.id, latencyBudgetMs: { queue: 0.05, inference: 5 } }),
  line(3, { standbys: [2], rollout: { ...ROLLOUT, step: 0 }, latencyBudgetMs: { queue: 0.05, inference: 5 } }),
  line(2, { latencyBudgetMs: { queue: 0.05, inference: 5 }, fallbacks: [{ kind: 'constant' }] }), line(1),
];

let home: Installation;
let registry: TestRegistry;
let ledger: RunningService;
const validate = formats.default(new Ajv2020({ strict: false })).compile(STORY as object);

const storyOf = async (requestId: string): Promise<Told> => {
  const answer = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf(requestId)}`);
  const story: unknown = await answer.json();
  expect(answer.status, JSON.stringify(story)).toBe(200);
  expect(validate(story), JSON.stringify(validate.errors)).toBe(true);
  return story;
};
const told = (requestId: string, isTold: (story: Told) => boolean): Promise<Told> => eventually(`the story of ${requestId}`, async () => {
  const answer = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf(requestId)}`);
  return answer.ok && isTold(await answer.json()) ? storyOf(requestId) : false;
});

beforeAll(async () => {
  registry = await startRegistry();
  registry.documents.set('/registry/v1/models/flight-delay/deployment/history', HISTORY);
  home = await install({ REGISTRY_URL: registry.url });
  const { champion } = deployment();
  await home.publish('model.deployment.v1', [
    { key: 'flight-delay', data: deployment({ revision: 5, updatedAt: '2026-11-05T12:00:00Z', champion: { ...champion!, version: '2' }, outcome: { valueMicroUsd: { truePositive: 500_000, falsePositive: -200_000 } } }) },
    { key: 'unheard-of', data: deployment({ model: 'unheard-of', revision: 9 }) },
  ]);
  ledger = await home.startLedger();
  await home.publish('prediction.scored.v1', [
    { key: 'a', data: scored('by-challenger', { version: '2', role: 'challenger', assignmentRevision: 4, propensity: 0.25, costMicroUsd: 0.5, parentSpanId: '00f067aa0ba902b7', timingsMs: { queue: 0.1, inference: 0.2, total: 1.5 } }) },
    { key: 'a', data: scored('by-champion', { assignmentRevision: 1 }) },
    { key: 'a', data: scored('by-constant', { assignmentRevision: 4, features: { values: [] }, fallback: { kind: 'constant', reason: 'model_failed', insteadOf: '2' } }) },
    { key: 'a', data: scored('pinned', { role: 'pinned', assignmentRevision: 5 }) },
    { key: 'b', data: scored('unknown-revision', { model: 'unheard-of', assignmentRevision: 7 }) },
    { key: 'a', data: scored('forgotten') }, { key: 'a', data: scored('erased') }, { key: 'a', data: scored('expired') },
  ]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { version: '1', role: 'champion', assignmentRevision: 4, timingsMs: { transport: 1, total: 2 } }) }, { data: rejected('undecodable', { model: undefined }) }]);
  await home.publish('outcome.observed.v1', [{ key: 'a', data: outcome('by-challenger', { value: false }) }, { key: 'a', data: outcome('by-challenger', { sequence: 1 }) }, { key: 'n', data: outcome('never-asked') }]);
});

afterAll(async () => {
  await home?.close();
  registry?.close();
});

describe('a story', () => {
  it('says why that version answered: its arm, the rollout and its step, who decided that, the chance it had; also of a revision that the topic has no longer', async () => {
    const { why } = await told('by-challenger', ({ why: known }) => known?.decidedBy !== undefined) as { why: Why };
    expect(why).toEqual({
      arm: 'challenger', explanation: `version 2 had 25 % of the traffic as challenger of version 1, in step 1 of the canary of version 2 (rollout ${ROLLOUT.id}); the routing key fell into its share`,
      propensity: 0.25, share: 0.25, rollout: { ...ROLLOUT, step: 1 }, decidedAt: '2026-11-04T12:00:00.000Z', decidedBy: 'ada@example.org',
      arms: [{ version: '1', role: 'champion', share: 0.75 }, { version: '2', role: 'challenger', share: 0.25 }],
    });
    expect((await storyOf('by-champion')).why).toMatchObject({ arm: 'champion', share: 1, propensity: 1, explanation: 'version 1 was the champion and had all of the traffic' });
    expect((await storyOf('by-constant')).why).toMatchObject({ arm: 'fallback', explanation: expect.stringMatching(/^version 1 stands for the answer of the fallback constant, which answered instead of version 2, because of model_failed; version 1 was the champion, beside version 2 with 25 %/) });
    expect((await storyOf('pinned')).why).toMatchObject({ arm: 'pinned', explanation: 'the request asked for version 1 itself; the champion was version 2' });
  });

  it('says plainly that a revision is not known, and tells the rest', async () => {
    const story = await told('unknown-revision', () => true);
    expect(story.why).toEqual({ arm: 'champion', propensity: 1, explanation: 'version 1 was asked as champion; revision 7 of the deployment is not known here' });
    expect(story.since).toMatchObject({ currentRevision: 9, changes: [{ kind: 'unknown', text: 'revisions 7 to 8 are not known here' }] });
  });

  it('holds each stage against its budget of then', async () => {
    expect((await storyOf('by-challenger')).stages).toEqual([{ stage: 'queue', ms: 0.1, budgetMs: 0.05, isOver: true }, { stage: 'inference', ms: 0.2, budgetMs: 5, isOver: false }, { stage: 'total', ms: 1.5, budgetMs: 5.05, isOver: false }]);
    expect((await storyOf('by-champion')).stages).toEqual([{ stage: 'queue', ms: 0.1 }, { stage: 'inference', ms: 0.2 }, { stage: 'total', ms: 1.5 }]);
  });

  it('says what came of it, corrections included, what it cost and what it earned', async () => {
    const story = await told('by-challenger', ({ outcome: known, outcomes }) => known?.correct === true && outcomes.length === 2);
    expect(story.outcome).toMatchObject({ value: true, assumed: false, correct: true, sequence: 1, valueMicroUsd: 500_000 });
    expect(story.outcomes.map(({ value, holds }: Told) => [value, holds])).toEqual([[false, false], [true, true]]);
    expect(story.answer).toMatchObject({ decision: true, threshold: 0.5 });
    const { money } = story;
    expect(money).toMatchObject({ isEstimate: true, computeMicroUsd: 0.5, valueMicroUsd: 500_000 });
    expect(money.totalMicroUsd).toBeCloseTo(money.computeMicroUsd + money.featuresMicroUsd + money.storageMicroUsd, 10);
    expect(money.netMicroUsd).toBeCloseTo(500_000 - money.totalMicroUsd, 6);
    expect((await storyOf('by-champion')).money).toMatchObject({ computeMicroUsd: null, valueMicroUsd: null, netMicroUsd: null });
  });

  it('says what the deployment has become since', async () => {
    const { since } = (await storyOf('by-champion')) as { since: Since };
    expect(since).toMatchObject({ versionNow: 'none', currentRevision: 5, omitted: 0 });
    expect(since.changes.map(({ revision, text }) => [revision, text])).toEqual([
      [2, 'fallbacks: constant'], [2, 'the latency budget is another one'], [3, 'a canary of version 2 began and warms it'], [3, 'no fallback any more'], [4, 'the canary of version 2 is at step 1'],
      [4, 'challengers: version 2 with 25 %'], [5, 'version 2 became champion instead of version 1'], [5, 'the canary of version 2 ended: it is in'], [5, 'no challenger shares the traffic any more'], [5, 'the latency budget is another one'],
      [5, 'changed: what its outcome means and is worth'],
    ]);
    expect(since.changes.find(({ kind, revision }) => kind === 'champion' && revision === 5)).toMatchObject({ at: '2026-11-05T12:00:00.000Z', by: 'rollout', reason: 'every step has its minimums and no guard is breached' });
  });

  it('of a rejection says who should have answered, and what would help', async () => {
    const story = await told('refused', () => true);
    expect(story).toMatchObject({ state: 'rejected', rejection: { code: 'feature_missing', version: '1', role: 'champion', assignmentRevision: 4, cure: expect.any(String) }, why: { arm: 'champion' }, stages: [{ stage: 'transport', ms: 1 }, { stage: 'total', ms: 2 }] });
    expect(await told('undecodable', () => true)).not.toHaveProperty('why');
  });

  it('says what is left of its values, and of what was never asked that it waits', async () => {
    await home.sql('UPDATE prediction SET features = NULL, outputs = NULL, erased_at = $2 WHERE prediction_id = $1', [idOf('erased'), '2026-11-20T00:00:00Z']);
    await home.sql('UPDATE prediction SET features = NULL WHERE prediction_id = $1', [idOf('expired')]);
    await home.sql('DELETE FROM prediction WHERE prediction_id = $1', [idOf('forgotten')]);
    expect(await storyOf('erased')).toMatchObject({ values: 'erased', erasedAt: '2026-11-20T00:00:00.000Z', answer: { outputs: null } });
    expect(await storyOf('expired')).toMatchObject({ values: 'expired' });
    expect(await storyOf('by-champion')).toMatchObject({ values: 'kept', trace: null });
    expect(await storyOf('forgotten')).toMatchObject({ predictionId: idOf('forgotten'), state: 'expired', outcome: null, outcomes: [] });
    expect(await told('never-asked', () => true)).toMatchObject({ state: 'awaited', outcomes: [{ value: true, holds: false }] });
  });

  it('learns of a revision that comes later, and then who decided it', async () => {
    registry.documents.set('/registry/v1/models/flight-delay/deployment/history', [line(6, { champion: '3', reason: 'by hand' }), ...HISTORY]);
    const { champion } = deployment();
    await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ revision: 6, updatedAt: '2026-11-06T12:00:00Z', champion: { ...champion!, version: '3' } }) }]);
    const { since } = (await told('pinned', (story) => story.since.changes.at(-1)?.by !== undefined)) as { since: Since };
    expect(since).toMatchObject({ currentRevision: 6, changes: [{ text: 'version 3 became champion instead of version 2', by: 'ada@example.org', reason: 'by hand' }, { kind: 'policy' }] });
  });

  it('follows a prediction that a higher attempt moves to another day while it is told', async () => {
    await told('by-champion', () => true);
    const day = '2026-11-30';
    const other = new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger` });
    await other.connect();
    await other.query(`CREATE TABLE prediction_20261130 PARTITION OF prediction FOR VALUES FROM ('${day}') TO ('2026-12-01')`);
    await other.query('BEGIN');
    await other.query('LOCK TABLE prediction IN ACCESS EXCLUSIVE MODE');
    const telling = storyOf('by-champion');
    await eventually('the story waits for its row', async () => (await other.query(`SELECT FROM pg_locks WHERE relation = 'prediction'::regclass AND NOT granted`)).rows.length > 0);
    await other.query('UPDATE prediction SET day = $2 WHERE prediction_id = $1', [idOf('by-champion'), day]);
    await other.query('UPDATE prediction_key SET day = $2 WHERE prediction_id = $1', [idOf('by-champion'), day]);
    await other.query('COMMIT');
    await other.end();
    expect(await telling).toMatchObject({ state: 'scored', answer: { version: '1' } });
  });
});
