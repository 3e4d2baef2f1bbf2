import { openDatabase, query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../../store/migrations.js';
import { Installation } from '../../testing/harness.js';
import type { Reading, StepContext } from './context.js';
import { joinedWord, scoredAnswer, shadowedAnswer, type Countable } from './counting.js';
import { EvidenceStore } from './evidence-store.js';
import { StepIndex } from './step-index.js';
import { Tally, type Located } from './tally.js';
import { idOf, joined, scored, shadowed } from './testing/events.js';
import { insertRollout, ROLLOUT } from './testing/rollout-rows.js';
import { shortId, type Word } from './words.js';
import { LastWords1764440000000 } from './words-migration.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const READING: Reading = { task: 'binary_classification', threshold: 0.6 };
let installed: Installation;
let dataSource: DataSource;
let tally: Tally;
let index: StepIndex;

beforeEach(async () => {
  installed = await Installation.create();
  dataSource = await openDatabase({ schema: 'model_registry', settings: installed.settings, migrations: MIGRATIONS });
  await insertRollout(installed);
  tally = new Tally(dataSource);
  index = new StepIndex(dataSource);
});
afterEach(async () => {
  await dataSource.destroy();
  await installed.remove();
});

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

/** Answers as messages of one partition, a millisecond apart. */
async function batch(ids: readonly number[], place: { partition?: number; offset?: number; timestampMs?: number } = {}): Promise<Located<Countable>[]> {
  const { partition = 0, offset = 0, timestampMs = 1000 } = place;
  const data = ids.map((id) => scored(`p${id}`));
  const find = await index.knowing(data.map((one) => ({ data: one })));
  return data.map((one, n) => ({ at: { topic: 'prediction.scored.v1', partition, offset: String(offset + n), timestampMs: timestampMs + n }, counts: scoredAnswer(one, find)! }));
}
/** Words as messages of one partition. */
async function words(events: readonly ReturnType<typeof joined>[], partition: number, offset = 0): Promise<Located<Word>[]> {
  const find = await index.knowing(events.map((data) => ({ data })));
  return events.map((data, n) => ({ at: { topic: 'outcome.joined.v1', partition, offset: String(offset + n), timestampMs: 1000 + offset + n }, counts: joinedWord(data, find) }));
}
/** How many outcomes, and the sum of squared errors. */
async function judged(): Promise<readonly [number, number]> {
  const [row] = await query<{ count: number; sum: number }>(dataSource, `SELECT sum(count)::float8 AS count, sum(sum) AS sum FROM rollout_sums WHERE measure = 'squared_error'`);
  return [row!.count, Math.round(row!.sum * 1e6) / 1e6];
}
const answers = async (): Promise<number> => (await new EvidenceStore(dataSource).totals(ROLLOUT)).reduce((sum, { champion }) => sum + champion.answers, 0);
const forgetIds = () => query(dataSource, 'DELETE FROM rollout_counted');

describe('counting', () => {
  it('takes what is delivered again for counted, however long ago that was, and only the rest for new', async () => {
    await tally.countAnswers(await batch(numbers(10)));
    await forgetIds();
    await tally.countAnswers(await batch(numbers(15)));
    expect(await answers()).toBe(15);
  });

  it('takes lower offsets with later times for what they are: a topic that was made anew', async () => {
    await tally.countAnswers(await batch(numbers(10), { offset: 500 }));
    await tally.countAnswers(await batch(numbers(10, 100), { offset: 0, timestampMs: 50_000 }));
    expect(await answers()).toBe(20);
  });

  it('takes a second copy of a prediction for the same one, wherever it comes from', async () => {
    await tally.countAnswers(await batch(numbers(10)));
    await tally.countAnswers(await batch([...numbers(10), ...numbers(10, 5)], { partition: 1 }));
    expect(await answers()).toBe(15);
  });

  it('by several at once on the same rows ends without a deadlock and with the right sum', async () => {
    const others = [new Tally(dataSource), new Tally(dataSource), new Tally(dataSource)];
    await Promise.all(others.map(async (other, partition) => {
      for (const round of numbers(10)) await other.countAnswers(await batch([...numbers(100, round * 50), ...numbers(50, 10_000 + partition * 1000 + round * 50)], { partition, offset: round * 150 }));
    }));
    expect(await answers()).toBe(550 + 3 * 500);
  });

  it('of words on the same predictions in several partitions at once ends without a deadlock and with the last word on each', async () => {
    const ids = numbers(200);
    await Promise.all(numbers(3).map(async (partition) => {
      const revisions = [[2, 0, 1], [0, 1, 2], [1, 2, 0]][partition]!;
      for (const [round, revision] of revisions.entries()) {
        const told = ids.map((id) => joined(`p${id}`, { score: revision === 2 ? 0.5 : 1, outcome: false, revision, correction: revision > 0 }));
        await new Tally(dataSource).countOutcomes(await words(partition === 1 ? told.toReversed() : told, partition, round * ids.length));
      }
    }));
    expect(await judged()).toEqual([200, 50]);
  });

  it('takes out what was counted before it was kept what is added, and its migration can run again', async () => {
    await tally.countOutcomes(await words(numbers(10).map((id) => joined(`p${id}`, { score: 0.25, outcome: true })), 0));
    await query(dataSource, 'UPDATE rollout_outcomes SET outcome = 1, step = NULL, arm = NULL, cluster = NULL, amounts = NULL');
    const runner = dataSource.createQueryRunner();
    await new LastWords1764440000000().up(runner);
    await runner.release();
    expect(await judged()).toEqual([10, 5.625]);
    await tally.countOutcomes(await words(numbers(4).map((id) => joined(`p${id}`, { score: 0.25, outcome: false, revision: 1, correction: true })), 0, 10));
    expect(await judged()).toEqual([10, 6 * 0.5625 + 4 * 0.0625]);
    expect(await query(dataSource, 'SELECT revision, step, arm FROM rollout_outcomes WHERE id = $1', [String(shortId(idOf('p0')))])).toEqual([{ revision: 1, step: 1, arm: 'champion' }]);
  });

  it('takes entities with characters that PostgreSQL refuses: one request cannot keep the rest from being counted', async () => {
    const strange = shadowed('strange', { assignmentRevision: 2, entities: { origin: 'S\u0000FO', 'f\ud800lat': '\udc00' } });
    const context: StepContext = { rolloutId: ROLLOUT, step: 1, strategy: 'shadow', champion: '1', candidate: '2', readings: { champion: READING, candidate: READING }, loss: 'squared_error', segments: [], outcome: undefined };
    await tally.countAnswers([{ at: { topic: 'prediction.shadowed.v1', partition: 0, offset: '0', timestampMs: 1 }, counts: shadowedAnswer(strange, () => context)! }]);
    expect((await new EvidenceStore(dataSource).disagreements(ROLLOUT, 10)).map(({ entities }) => entities)).toEqual([{ origin: 'S\ufffdFO', 'f\ufffdlat': '\ufffd' }]);
  });

  it('of what never was a rollout’s writes nothing at all', async () => {
    await tally.countAnswers([]);
    expect(await query(dataSource, 'SELECT 1 FROM rollout_positions')).toEqual([]);
  });
});
