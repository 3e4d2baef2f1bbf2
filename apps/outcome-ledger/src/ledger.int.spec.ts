import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, rejected, scored, SHA } from './testing/events.js';
import { install, type Installation } from './testing/installation.js';

let home: Installation;
let ledger: RunningService;

beforeAll(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  ledger = await home.startLedger();
}, 60_000);
vi.setConfig({ testTimeout: 30_000 });
afterAll(() => home.close());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- stories are plain JSON
const get = async (path: string): Promise<any> => (await fetch(`${ledger.url}${path}`)).json();
const tell = (requestId: string) => get(`/ledger/v1/predictions/${idOf(requestId)}`);
const storyOnce = (requestId: string, holds: (story: Awaited<ReturnType<typeof tell>>) => boolean) =>
  eventually(`the story of ${requestId}`, async () => {
    const story = await tell(requestId);
    return holds(story) && story;
  });
const joinedOf = async (requestId: string) => (await home.read('outcome.joined.v1')).filter(({ data }) => data.predictionId === idOf(requestId)).map(({ data }) => data);
const lettersOf = async (requestId: string) => (await home.deadLetters()).filter(({ value }) => value?.toString().includes(idOf(requestId)));

describe('a prediction', () => {
  it('is told with who asked, what was answered, the features as used by name, their ages and defaults, and its trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    await home.publish('prediction.scored.v1', [{ data: scored('story', { team: 'growth' }), traceparent }]);
    expect(await storyOnce('story', ({ state }) => state === 'scored')).toMatchObject({
      predictionId: idOf('story'), request: { source: '/test/producer', id: 'story', team: 'growth', occurredAt: '2001-02-03T04:05:06.000Z', entities: { origin: 'SFO' } },
      answer: { model: 'flight-delay', version: '1', artifactSha256: SHA, role: 'champion', assignmentRevision: 1, score: 0.75, threshold: 0.5, outputs: { probability: [0.75] }, batchSize: 3, timingsMs: { total: 1.5 } },
      features: [{ name: 'hour', value: 7 }, { name: 'distance', value: null, defaulted: true }, { name: 'recent_delay', value: 0.1, view: 'airport@2', entityRole: 'origin', ageSeconds: 12.5 }],
      outcome: null, outcomes: [], trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: false },
    });
  });

  it('of a fallback is told with its kind and reason, every stage, no features, and the topic of its own that it came by', async () => {
    const timingsMs = { transport: 1, queue: 0.1, features: 0.2, preprocess: 0.03, inference: 0.2, postprocess: 0.04, total: 1.6 };
    const coordinates = 'prediction.requested.v1.team-a/0/17';
    await home.publish('prediction.scored.v1', [{ data: scored('stood-in', { fallback: { kind: 'constant', reason: 'circuit_open' }, features: { values: [] }, timingsMs, requestCoordinates: coordinates }) }]);
    await home.publish('outcome.observed.v1', [{ data: outcome('stood-in') }]);
    expect(await storyOnce('stood-in', ({ outcome: one }) => one !== null && one !== undefined)).toMatchObject({
      state: 'fallback', request: { coordinates }, answer: { version: '1', artifactSha256: SHA, fallback: { kind: 'constant', reason: 'circuit_open' }, timingsMs }, features: [], outcome: { correct: true },
    });
    expect(await eventually('the join', async () => (await joinedOf('stood-in')).length > 0 && joinedOf('stood-in'))).toMatchObject([{ fallback: 'constant' }]);
  });

  it('of a version that stands in is told with its features by name', async () => {
    const champion = deployment().champion!;
    const standIn = { ...champion, version: '0', artifactSha256: 'c'.repeat(64), signature: { ...champion.signature, features: [{ name: 'month', kind: 'numeric' as const }] } };
    await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ revision: 2, fallbacks: [{ kind: 'constant', outputs: { probability: [0] } }, { kind: 'previous_version', served: standIn }] }) }]);
    await home.publish('prediction.scored.v1', [{ data: scored('stand-in', { version: '0', artifactSha256: 'c'.repeat(64), features: { values: [2] }, fallback: { kind: 'previous_version', reason: 'model_failed' } }) }]);
    expect(await storyOnce('stand-in', ({ features }) => features?.[0]?.name === 'month')).toMatchObject({ features: [{ name: 'month', value: 2 }] });
  });

  it('that was rejected is told with its code and the cure', async () => {
    await home.publish('prediction.rejected.v1', [{ data: rejected('no') }]);
    expect(await storyOnce('no', ({ state }) => state === 'rejected')).toMatchObject({ rejection: { code: 'feature_missing', reason: 'distance has no value', cure: expect.stringContaining('Send the feature') } });
  });

  it('that was rejected for a version longer than an index takes is recorded, and can be displaced', async () => {
    const version = randomBytes(4_000).toString('hex');
    await home.publish('prediction.rejected.v1', [{ data: rejected('long', { code: 'unknown_version', version }) }]);
    expect(await storyOnce('long', ({ state }) => state === 'rejected')).toMatchObject({ rejection: { version } });
    await home.publish('prediction.scored.v1', [{ data: scored('long', { attempt: 1 }) }]);
    await storyOnce('long', ({ state }) => state === 'scored');
    expect(await home.sql('SELECT count FROM tally WHERE version = $1', [version.slice(0, 200)])).toEqual([{ count: '0' }]);
  });

  it('is recorded once, however often it is told, and the first answer stands', async () => {
    await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('twice', { score: 0.1 }) }, { key: 'k', data: scored('twice', { score: 0.2 }) }]);
    await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('twice', { score: 0.3 }) }, { key: 'k', data: scored('twice-after') }]);
    await storyOnce('twice-after', ({ state }) => state === 'scored');
    expect((await tell('twice')).answer.score).toBe(0.1);
    expect(await home.sql('SELECT 1 FROM prediction WHERE prediction_id = $1', [idOf('twice')])).toHaveLength(1);
  });

  it('that a dead-letter replay answers anew has the answer of the highest attempt, and its outcome is told as a correction', async () => {
    await home.publish('prediction.rejected.v1', [{ data: rejected('again') }]);
    await storyOnce('again', ({ state }) => state === 'rejected');
    await home.publish('outcome.observed.v1', [{ data: outcome('again', { value: false }) }]);
    await storyOnce('again', ({ outcomes }) => outcomes?.length === 1);
    await home.publish('prediction.scored.v1', [{ data: scored('again', { attempt: 1 }) }]);
    await storyOnce('again', ({ outcome: one }) => one !== null);
    await home.publish('prediction.scored.v1', [{ data: scored('again', { attempt: 2, score: 0.25 }) }]);
    expect(await storyOnce('again', ({ answer }) => answer?.score === 0.25)).toMatchObject({ state: 'scored', request: { attempt: 2 }, outcome: { correct: true } });
    expect(await eventually('both joins', async () => (await joinedOf('again')).length === 2 && joinedOf('again'))).toMatchObject([{ score: 0.75, correction: false }, { score: 0.25, correction: true }]);
  });

  it('of a shadow is kept apart', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('shadowed') }]);
    await home.publish('prediction.shadowed.v1', [{ data: scored('shadowed', { version: '2', role: 'shadow', score: 0.4, artifactSha256: 'b'.repeat(64) }) }]);
    expect(await storyOnce('shadowed', ({ shadows }) => shadows !== undefined)).toMatchObject({ answer: { version: '1' }, shadows: [{ version: '2', score: 0.4 }] });
  });

  it('keeps text that PostgreSQL cannot hold, with the characters replaced', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('nul', { routingKey: 'a\u0000b\ud800c', entities: { 'o\u0000': 'x' } }) }]);
    expect(await storyOnce('nul', ({ state }) => state === 'scored')).toMatchObject({ request: { routingKey: 'a\ufffdb\ufffdc', entities: { 'o\ufffd': 'x' } } });
  });

  it('with an impossible processing time is a dead letter and harms nobody', async () => {
    await home.publish('prediction.scored.v1', [{ key: 'p', data: scored('y1970', { requestedAt: '1970-01-01T00:00:00Z' }) }, { key: 'p', data: scored('month13', { requestedAt: '2026-13-01T00:00:00Z' }) }, { key: 'p', data: scored('fine') }]);
    await storyOnce('fine', ({ state }) => state === 'scored');
    const letters = await eventually('the letters', async () => {
      const found = [...(await lettersOf('y1970')), ...(await lettersOf('month13'))];
      return found.length === 2 && found;
    });
    expect(letters.map(({ headers }) => headers['dead-letter-code']?.toString())).toEqual(['value_forbidden', 'schema_invalid']);
  });
});

describe('an outcome', () => {
  it('that follows its prediction is joined: error, correctness by the threshold, delay', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('after') }]);
    await storyOnce('after', ({ state }) => state === 'scored');
    await home.publish('outcome.observed.v1', [{ data: outcome('after', { value: false }) }]);
    expect(await storyOnce('after', ({ outcome: one }) => one !== null)).toMatchObject({ outcome: { value: false, source: 'arrivals', delaySeconds: 18_000, error: 0.75, correct: false } });
    expect(await eventually('the join', async () => (await joinedOf('after')).length > 0 && joinedOf('after'))).toMatchObject([{ score: 0.75, outcome: false, delaySeconds: 18_000, error: 0.75, correct: false, correction: false, version: '1' }]);
  });

  it('that comes first waits, is counted as unmatched, and is joined when the prediction shows up', async () => {
    const before = (await get('/ledger/v1/summary')).unmatched;
    await home.publish('outcome.observed.v1', [{ data: outcome('before') }]);
    expect(await storyOnce('before', ({ outcomes }) => outcomes?.length === 1)).toMatchObject({ state: 'awaited', outcome: null });
    expect((await get('/ledger/v1/summary')).unmatched).toBe(before + 1);
    await home.publish('prediction.scored.v1', [{ data: scored('before') }]);
    expect(await storyOnce('before', ({ outcome: one }) => one !== null)).toMatchObject({ outcome: { value: true, correct: true } });
    expect((await get('/ledger/v1/summary')).unmatched).toBe(before);
    expect(await eventually('the join', async () => (await joinedOf('before')).length > 0 && joinedOf('before'))).toHaveLength(1);
  });

  it('may name the request instead of the prediction', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('named') }]);
    await home.publish('outcome.observed.v1', [{ data: { ...outcome('named'), predictionId: undefined, requestSource: '/test/producer', requestId: 'named' } }]);
    await storyOnce('named', ({ outcome: one }) => one?.value === true);
  });

  it('has no second effect when it is told again, and the highest sequence holds whatever the order', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('corrected') }]);
    await storyOnce('corrected', ({ state }) => state === 'scored');
    for (const [sequence, value] of [[2, false], [1, true], [2, false], [1, true]] as const) await home.publish('outcome.observed.v1', [{ key: 'c', data: outcome('corrected', { sequence, value }) }]);
    await home.publish('outcome.observed.v1', [{ key: 'c', data: outcome('corrected', { sequence: 3, value: true }) }]);
    const story = await storyOnce('corrected', ({ outcome: one }) => one?.sequence === 3);
    expect(story.outcomes.map((one: { sequence: number; holds: boolean }) => [one.sequence, one.holds]).sort()).toEqual([[1, false], [2, false], [3, true]]);
    const told = await eventually('the last join', async () => (await joinedOf('corrected')).some(({ sequence }) => sequence === 3) && joinedOf('corrected'));
    expect(told.map(({ sequence, correction }) => [sequence, correction])).toEqual([[2, false], [3, true]]);
  });

  it('of the wrong type is a dead letter with its bytes, and nothing else is harmed', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('typed') }]);
    await storyOnce('typed', ({ state }) => state === 'scored');
    await home.publish('outcome.observed.v1', [{ key: 't', data: outcome('typed', { value: 'late' }) }, { key: 't', data: outcome('typed', { sequence: 1 }) }]);
    await storyOnce('typed', ({ outcome: one }) => one?.sequence === 1);
    const [letter] = await eventually('the letter', async () => (await lettersOf('typed')).length > 0 && lettersOf('typed'));
    expect(letter?.headers['dead-letter-code']?.toString()).toBe('outcome_wrong_type');
    expect(JSON.parse(letter?.value?.toString() ?? '').data.value).toBe('late');
  });

  it('of the wrong type that came before its prediction becomes a dead letter when that shows up', async () => {
    await home.publish('outcome.observed.v1', [{ data: outcome('typed-first', { value: 'late' }) }]);
    await storyOnce('typed-first', ({ outcomes }) => outcomes?.length === 1);
    await home.publish('prediction.scored.v1', [{ data: scored('typed-first') }]);
    expect(await storyOnce('typed-first', ({ state }) => state === 'scored')).toMatchObject({ outcome: null, outcomes: [] });
    const [letter] = await eventually('the letter', async () => (await lettersOf('typed-first')).length > 0 && lettersOf('typed-first'));
    expect(letter?.headers['dead-letter-code']?.toString()).toBe('outcome_wrong_type');
  });

  it('that is too long to be told of harms no prediction that shows up later', async () => {
    await home.publish('outcome.observed.v1', [{ data: outcome('novel', { value: 'x'.repeat(880_000) }) }]);
    const [letter] = await eventually('the letter', async () => (await lettersOf('novel')).length > 0 && lettersOf('novel'));
    expect(letter?.headers['dead-letter-code']?.toString()).toBe('value_forbidden');
    await home.publish('prediction.scored.v1', [{ data: scored('novel') }]);
    expect(await storyOnce('novel', ({ state }) => state === 'scored')).toMatchObject({ outcomes: [] });
  });

  it('that names nothing is a dead letter', async () => {
    await home.publish('outcome.observed.v1', [{ data: { ...outcome('x'), predictionId: undefined, source: 'nobody' } }]);
    const letter = await eventually('the letter', async () => (await home.deadLetters()).find(({ value }) => value?.toString().includes('nobody')));
    expect(letter.headers['dead-letter-code']?.toString()).toBe('schema_invalid');
  });

  it('that names an entity and a window meets the last prediction before it, and its correction meets the same', async () => {
    const at = (requestId: string, occurredAt: string) => ({ data: scored(requestId, { entities: { tail: 'N1' }, occurredAt }) });
    await home.publish('prediction.scored.v1', [at('c8', '2001-03-01T08:00:00Z'), at('c10', '2001-03-01T10:00:00Z'), at('c14', '2001-03-01T14:00:00Z')]);
    for (const requestId of ['c8', 'c10', 'c14']) await storyOnce(requestId, ({ state }) => state === 'scored');
    const correlationKey = { model: 'flight-delay', entityRole: 'tail', entityId: 'N1', from: '2001-03-01T07:00:00Z', to: '2001-03-01T15:00:00Z' };
    await home.publish('outcome.observed.v1', [{ key: 'n', data: { ...outcome('x'), predictionId: undefined, correlationKey, occurredAt: '2001-03-01T12:00:00Z' } }]);
    await storyOnce('c10', ({ outcome: one }) => one?.sequence === 0);
    await home.publish('outcome.observed.v1', [{ key: 'n', data: { ...outcome('x'), predictionId: undefined, correlationKey, occurredAt: '2001-03-01T14:30:00Z', sequence: 1, value: false } }]);
    expect(await storyOnce('c10', ({ outcome: one }) => one?.sequence === 1)).toMatchObject({ outcome: { value: false } });
    expect((await tell('c14')).outcome).toBeNull();
  });

  it('that names an entity whose prediction comes later is joined when it has come', async () => {
    const correlationKey = { model: 'flight-delay', entityRole: 'tail', entityId: 'N2', from: '2001-03-01T07:00:00Z', to: '2001-03-01T15:00:00Z' };
    await home.publish('outcome.observed.v1', [{ data: { ...outcome('x'), predictionId: undefined, correlationKey } }]);
    await eventually('the correlation', async () => (await home.sql(`SELECT 1 FROM correlation WHERE entity_id = 'N2'`)).length === 1);
    await home.publish('prediction.scored.v1', [{ data: scored('later', { entities: { tail: 'N2' }, occurredAt: '2001-03-01T08:00:00Z' }) }]);
    await storyOnce('later', ({ outcome: one }) => one !== null);
    expect(await eventually('the join', async () => (await joinedOf('later')).length > 0 && joinedOf('later'))).toHaveLength(1);
  });
});

describe('what shadows had said', () => {
  const SHADOW_SHA = 'b'.repeat(64);
  const shadow = (requestId: string, version: string, score: number) => ({ data: scored(requestId, { version, role: 'shadow', score, artifactSha256: SHADOW_SHA, assignmentRevision: 3 }) });
  const recorded = (requestId: string, count: number) => eventually('the shadows', async () => (await home.sql('SELECT 1 FROM prediction_shadow WHERE prediction_id = $1', [idOf(requestId)])).length === count);
  const joins = (requestId: string, count: number) => eventually(`${count} joins`, async () => (await joinedOf(requestId)).length === count && joinedOf(requestId));

  beforeAll(async () => {
    const champion = deployment().champion!;
    // A threshold of its own: at it 0.4 is a positive decision.
    const strict = { ...champion, version: 'strict', artifactSha256: SHADOW_SHA, signature: { ...champion.signature, score: { output: 'probability', index: 0, threshold: 0.3 } } };
    await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ revision: 3, shadows: [strict, { ...champion, version: 'lax', artifactSha256: SHADOW_SHA }] }) }]);
    await eventually('the versions', async () => (await home.sql(`SELECT 1 FROM served_version WHERE version IN ('strict', 'lax') AND signature IS NOT NULL`)).length === 2);
  });

  it('is told with the outcome, each held against it as its own version is read', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('judged') }]);
    await home.publish('prediction.shadowed.v1', [shadow('judged', 'strict', 0.4), shadow('judged', 'lax', 0.4)]);
    await recorded('judged', 2);
    await storyOnce('judged', ({ state }) => state === 'scored');
    await home.publish('outcome.observed.v1', [{ data: outcome('judged') }]);
    expect(await joins('judged', 1)).toMatchObject([{
      version: '1', correction: false, correct: true,
      shadows: [{ version: 'lax', assignmentRevision: 3, score: 0.4, error: -0.6, correct: false }, { version: 'strict', assignmentRevision: 3, score: 0.4, error: -0.6, correct: true }],
    }]);
  });

  it('is told anew, once, when a shadow comes after its prediction was joined', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('late-shadow') }]);
    await home.publish('outcome.observed.v1', [{ data: outcome('late-shadow') }]);
    expect((await joins('late-shadow', 1))[0]!.shadows).toBeUndefined();
    await home.publish('prediction.shadowed.v1', [shadow('late-shadow', 'strict', 0.4), shadow('late-shadow', 'strict', 0.4)]);
    await home.publish('prediction.shadowed.v1', [shadow('late-shadow', 'strict', 0.4)]);
    await recorded('late-shadow', 1);
    await home.publish('prediction.shadowed.v1', [shadow('late-shadow', 'lax', 0.2)]);
    const [, second, third] = await joins('late-shadow', 3);
    expect(second).toMatchObject({ correction: true, sequence: 0, correct: true, shadows: [{ version: 'strict', correct: true }] });
    expect(third).toMatchObject({ correction: true, shadows: [{ version: 'lax', correct: false }, { version: 'strict', correct: true }] });
    expect(await home.sql('SELECT count FROM tally WHERE measure = $1 AND version = $2', ['shadowed', 'lax'])).toEqual([{ count: '2' }]);
  });

  it('waits for its prediction and leaves no trace of one that never comes', async () => {
    await home.publish('prediction.shadowed.v1', [shadow('early-shadow', 'strict', 0.4)]);
    await recorded('early-shadow', 1);
    expect(await home.sql('SELECT 1 FROM prediction_key WHERE prediction_id = $1', [idOf('early-shadow')])).toEqual([]);
    await home.publish('outcome.observed.v1', [{ data: outcome('early-shadow') }]);
    await home.publish('prediction.scored.v1', [{ data: scored('early-shadow') }]);
    expect(await joins('early-shadow', 1)).toMatchObject([{ correction: false, shadows: [{ version: 'strict' }] }]);
  });

  it('is told whichever of the three comes first, many at a time', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `race-${index}`);
    await Promise.all([
      home.publish('outcome.observed.v1', ids.map((id) => ({ data: outcome(id) }))),
      home.publish('prediction.scored.v1', ids.map((id) => ({ data: scored(id) }))),
      home.publish('prediction.shadowed.v1', ids.map((id) => shadow(id, 'strict', 0.4))),
    ]);
    await eventually('all of them', async () => {
      const told = (await home.read('outcome.joined.v1')).filter(({ data }) => data.shadows?.[0]?.version === 'strict').map(({ data }) => data.predictionId);
      return ids.every((id) => told.includes(idOf(id)));
    });
  });
});

describe('the tally', () => {
  it('says what counting the rows would say', async () => {
    const { models, duplicateOutcomes, ...summary } = await get('/ledger/v1/summary');
    const count = async (from: string) => Number((await home.sql<{ n: string }>(`SELECT count(*) AS n FROM ${from}`))[0]?.n);
    expect(summary).toEqual({
      predictions: await count(`prediction WHERE state <> 'rejected'`), fallback: await count(`prediction WHERE state = 'fallback'`), rejected: await count(`prediction WHERE state = 'rejected'`),
      shadowed: await count('prediction_shadow'), outcomes: await count('outcome'), joined: await count('prediction_joined'),
      pending: await count(`prediction p WHERE state <> 'rejected' AND NOT EXISTS (SELECT FROM prediction_joined j WHERE j.prediction_id = p.prediction_id)`),
      unmatched: await count(`outcome o WHERE NOT EXISTS (SELECT FROM prediction p WHERE p.prediction_id = o.subject_id)`),
      assumed: await count('prediction_joined WHERE is_assumed'),
      outcomesOfRejected: await count(`outcome o WHERE EXISTS (SELECT FROM prediction p WHERE p.prediction_id = o.subject_id AND p.state = 'rejected')`),
    });
    expect(duplicateOutcomes).toBe(2);
    expect(models.map(({ version }: { version: string }) => version)).toContain('1');
  });
});
