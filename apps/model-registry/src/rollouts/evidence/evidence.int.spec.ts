import { openDatabase } from '@throughline/db';
import type { SpawnedService } from '@throughline/testing';
import { eventually } from '@throughline/testing';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Installation } from '../../testing/harness.js';
import type { Arm, Evidence } from '../domain/evidence.js';
import { EvidenceStore } from './evidence-store.js';
import { EvidenceProgress } from './progress.js';
import { idOf, joined, rejected, scored, shadowed } from './testing/events.js';
import { publish } from './testing/publish.js';
import { insertRollout, ROLLOUT, SPEC } from './testing/rollout-rows.js';
import { spawnRegistry } from './testing/spawned.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let installed: Installation;
let dataSource: DataSource;
let store: EvidenceStore;
let progress: EvidenceProgress;
let running: SpawnedService | undefined;

const start = async (): Promise<void> => {
  running = await spawnRegistry(installed.env);
};
const kill = async (): Promise<void> => {
  await running?.crash();
  running = undefined;
};
const caughtUp = async (): Promise<void> => {
  const ends = await progress.ends();
  await eventually('everything is counted', () => progress.isCountedUntil(ends), 60_000);
};

beforeEach(async () => {
  installed = await Installation.create();
  await start();
  dataSource = await openDatabase({ schema: 'model_registry', settings: installed.settings });
  store = new EvidenceStore(dataSource);
  progress = new EvidenceProgress(installed.bus, 'model-registry');
});
afterEach(async () => {
  await kill();
  await dataSource.destroy();
  await installed.remove();
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
/** Count and sum of a measure, over all clusters. */
const total = (evidence: Evidence, step: number, arm: Arm, measure: string): readonly [number, number] => {
  const { counts, sums } = evidence.steps.find((one) => one.step === step)!.arms[arm].measures[measure] ?? { counts: [], sums: [] };
  return [sum(counts), Number(sum(sums).toFixed(6))];
};
const half = <T>(items: readonly T[], which: 0 | 1): T[] => (which === 0 ? items.slice(0, items.length / 2) : items.slice(items.length / 2));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('the evidence of a rollout', () => {
  it('equals the truth after kill -9 in the midst of counting, with second copies and corrections on the way', async () => {
    await insertRollout(installed);
    const all = numbers(8000);
    const isCandidate = (n: number): boolean => n % 5 === 0;
    const who = (n: number) => (isCandidate(n) ? { version: '2', role: 'challenger' as const } : { version: '1', role: 'champion' as const });
    const place = (n: number) => ({ ...who(n), routingKey: `case-${n % 700}`, entities: { origin: n % 4 === 0 ? 'ATL' : 'BOI' }, assignmentRevision: n < 6000 ? 2 : 3 });
    const answers = all.filter((n) => n % 50 !== 1).map((n) => scored(`p${n}`, { ...place(n), score: (n % 100) / 100, timingsMs: { total: 1 + (n % 30) } }));
    const refusals = all.filter((n) => n % 50 === 1).map((n) => rejected(`p${n}`, { ...place(n), code: n % 100 === 1 ? 'model_failed' : 'wrong_shape' }));
    const outcomes = all.filter((n) => n % 50 !== 1 && n % 2 === 0).map((n) => joined(`p${n}`, { ...place(n), score: (n % 100) / 100, outcome: n % 3 === 0 }));
    const corrections = outcomes.filter((_, index) => index % 10 === 0).map((event) => ({ ...event, outcome: event.outcome !== true, sequence: 1, correction: true }));
    const copies = answers.filter((_, index) => index % 20 === 0);

    const publishing = Promise.all([
      publish(installed.bus, 'prediction.scored.v1', [...half(answers, 0), ...copies.slice(0, 100), ...half(answers, 1), ...copies]),
      publish(installed.bus, 'prediction.rejected.v1', [...refusals, ...refusals]),
      publish(installed.bus, 'outcome.joined.v1', [...outcomes, ...corrections, ...outcomes.slice(0, 50).map((event) => corrections.find(({ predictionId }) => predictionId === event.predictionId) ?? event), ...corrections.slice(0, 20)]),
    ]);
    await eventually('some are counted', async () => sum((await store.totals(ROLLOUT)).map(({ champion }) => champion.answers)) > 500);
    await kill();
    await publishing;
    await start();
    await eventually('more are counted', async () => sum((await store.totals(ROLLOUT)).map(({ champion }) => champion.answers)) > 3000, 60_000);
    await kill();
    await start();
    await caughtUp();

    const evidence = await store.read(ROLLOUT);
    expect(evidence.steps.map(({ step }) => step)).toEqual([1, 2]);
    for (const [step, first, last] of [[1, 0, 6000], [2, 6000, 8000]] as const) {
      for (const arm of ['champion', 'candidate'] as const) {
        const mine = all.filter((n) => n >= first && n < last && isCandidate(n) === (arm === 'candidate'));
        const given = mine.filter((n) => n % 50 !== 1);
        const failed = mine.filter((n) => n % 100 === 1);
        const known = given.filter((n) => n % 2 === 0);
        const corrected = new Set(corrections.map(({ predictionId }) => predictionId));
        const truth = (n: number): number => Number((n % 3 === 0) !== corrected.has(idOf(`p${n}`)));
        const squares = known.map((n) => ((n % 100) / 100 - truth(n)) ** 2);
        expect(total(evidence, step, arm, 'error')).toEqual([given.length + failed.length, failed.length]);
        expect(total(evidence, step, arm, 'wrong')).toEqual([known.length, known.filter((n) => (n % 100 >= 60) !== (truth(n) === 1)).length]);
        expect(total(evidence, step, arm, 'squared_error')).toEqual([known.length, Number(sum(squares).toFixed(6))]);
        expect(total(evidence, step, arm, 'quality/hubs')).toEqual([known.filter((n) => n % 4 === 0).length, Number(sum(squares.filter((_, index) => known[index]! % 4 === 0)).toFixed(6))]);
        const { arms } = evidence.steps[step - 1]!;
        expect(arms[arm]).toMatchObject({ answers: given.length + failed.length, outcomes: known.length });
        expect([sum(Object.values(arms[arm].latencyMs)), sum(Object.values(arms[arm].score))]).toEqual([given.length, given.length]);
      }
    }
    expect(await store.totals(ROLLOUT)).toEqual(evidence.steps.map(({ step, arms }) => ({
      step, champion: { answers: arms.champion.answers, outcomes: arms.champion.outcomes }, candidate: { answers: arms.candidate.answers, outcomes: arms.candidate.outcomes },
    })));
  });

  it('has the first events of a step that began after the registry last looked, and none of other revisions', async () => {
    await insertRollout(installed);
    await publish(installed.bus, 'prediction.scored.v1', [scored('a', { assignmentRevision: 1 }), scored('b', { assignmentRevision: 3 })]);
    await caughtUp();
    await installed.sql(`
      INSERT INTO deployments (model, revision, assignment, author, decided_at) VALUES ('flights', 4, '{}', 't', now()), ('flights', 5, '{}', 't', now());
      INSERT INTO rollout_steps (rollout_id, step, model, revision, started_at) VALUES ('${ROLLOUT}', 3, 'flights', 4, now())`);
    await publish(installed.bus, 'prediction.scored.v1', [scored('c', { assignmentRevision: 4 }), scored('d', { assignmentRevision: 5 }), scored('e', { assignmentRevision: 4, version: '2', role: 'challenger' })]);
    await caughtUp();
    expect((await store.totals(ROLLOUT)).map(({ step, champion, candidate }) => [step, champion.answers, candidate.answers])).toEqual([[2, 1, 0], [3, 1, 1]]);
  });

  it('is that of the last words: one that comes after its correction changes nothing, and an answer of another version, by a fallback or asked for takes out what the one before it had put in', async () => {
    await insertRollout(installed);
    const place = { routingKey: 'case', assignmentRevision: 2 };
    const first = (name: string) => joined(name, { ...place, score: 0.25, outcome: true, revision: 0 });
    const another = (name: string, over: Parameters<typeof joined>[1]) => joined(name, { ...place, score: 0.75, outcome: true, revision: 1, correction: true, ...over });
    const corrected = another('corrected', { score: 0.25, outcome: false });
    const firsts = ['corrected', 'version', 'fallback', 'pinned', 'step', 'alone'].map(first);
    const seconds = [corrected, another('version', { version: '2', role: 'challenger' }), another('fallback', { fallback: 'constant' }), another('pinned', { role: 'pinned' }), another('step', { assignmentRevision: 3 })];
    // A correction may come first of all; and what was told, as dead letters that are delivered again.
    const early = [another('early', { fallback: 'constant', score: 0 }), first('early')];
    const kill9 = async (): Promise<void> => {
      await caughtUp();
      await kill();
      await start();
    };
    await publish(installed.bus, 'outcome.joined.v1', [...firsts, ...early]);
    await kill9();
    await publish(installed.bus, 'outcome.joined.v1', seconds);
    await kill9();
    await publish(installed.bus, 'outcome.joined.v1', [...firsts, ...seconds, ...early, another('corrected', { revision: 2, score: undefined, outcome: 'text' }), corrected]);
    await caughtUp();

    const evidence = await store.read(ROLLOUT);
    expect(total(evidence, 1, 'champion', 'squared_error')).toEqual([1, 0.5625]);
    expect(total(evidence, 1, 'candidate', 'squared_error')).toEqual([1, 0.0625]);
    expect(total(evidence, 2, 'champion', 'squared_error')).toEqual([1, 0.0625]);
    expect((await store.totals(ROLLOUT)).map(({ step, champion, candidate }) => [step, champion.outcomes, candidate.outcomes])).toEqual([[1, 1, 1], [2, 1, 0]]);
  });

  it('of a shadow compares pair by pair, and keeps the hundred largest differences', async () => {
    await insertRollout(installed, { ...SPEC, strategy: 'shadow', steps: [SPEC.steps[0]!] }, 1);
    const all = numbers(600);
    await publish(installed.bus, 'prediction.shadowed.v1', all.map((n) => shadowed(`p${n}`, { score: 0.75 - n / 1000, entities: { origin: 'ATL' } })));
    const outcomeOf = (n: number) => joined(`p${n}`, { shadows: [{ version: '2', assignmentRevision: 2, score: 0.75 - n / 1000 }] });
    // A shadow that came after the join has it told anew; the answer’s own outcome has been counted by then.
    const { shadows: _, ...alone } = outcomeOf(0);
    await publish(installed.bus, 'outcome.joined.v1', [alone, ...all.slice(1).map(outcomeOf), { ...outcomeOf(0), correction: true }]);
    await caughtUp();
    const evidence = await store.read(ROLLOUT);
    expect(total(evidence, 1, 'candidate', 'score_difference')).toEqual([600, -sum(all) / 1000]);
    expect(total(evidence, 1, 'candidate', 'disagreement')).toEqual([600, all.filter((n) => 0.75 - n / 1000 < 0.6).length]);
    expect(total(evidence, 1, 'candidate', 'loss_difference')[0]).toBe(600);
    expect(evidence.steps[0]!.arms).toMatchObject({ candidate: { answers: 600, outcomes: 600 }, champion: { outcomes: 600 } });
    const kept = await store.disagreements(ROLLOUT, 100);
    expect(kept.map(({ predictionId }) => predictionId)).toEqual(numbers(100).map((n) => idOf(`p${599 - n}`)));
    expect(kept[0]).toMatchObject({ step: 1, championScore: 0.75, decisionsDiffer: true, entities: { origin: 'ATL' } });
  });
});
