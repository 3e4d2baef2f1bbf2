import { inTransaction, query, unnestRows } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { Additions, type Disagreement } from './additions.js';
import type { Countable } from './counting.js';
import { loadHeld, saveHeld } from './held-words.js';
import { settleWords, shortId, type Settled, type Word } from './words.js';

/** Where a message stood. */
export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Kafka's own. */
  readonly timestampMs: number;
}

export interface Located<C> {
  readonly at: Coordinates;
  readonly counts: C;
}

/** How many comparisons a report keeps of a rollout: those with the largest difference. */
export const KEPT_DISAGREEMENTS = 100;

/**
 * Adds to the evidence, in one transaction with how far a partition has been counted: what is delivered again, after a crash or by another registry,
 * counts once. Second copies of a prediction (a worker that was killed answers some twice) count once while their ids are remembered.
 */
export class Tally {
  /** Rollouts of which outcomes came since somebody asked. */
  private judged = new Set<string>();

  constructor(private readonly dataSource: DataSource) {}

  /** The rollouts of which this process has counted outcomes since the last call. */
  takeJudged(): ReadonlySet<string> {
    const { judged } = this;
    this.judged = new Set();
    return judged;
  }

  /** @param batch of one partition, in its order */
  async countAnswers(batch: readonly Located<Countable>[]): Promise<void> {
    if (batch.length === 0) return;
    await this.count(batch, async (manager, fresh, additions) => {
      for (const { add } of await firstCopies(manager, fresh)) add(additions);
    });
  }

  /** @param batch of one partition, in its order */
  async countOutcomes(batch: readonly Located<Word>[]): Promise<void> {
    if (batch.length === 0) return;
    const touched = batch.flatMap(({ counts }) => counts.added);
    await this.count(batch, async (manager, words, additions) => {
      touched.push(...(await replaceOutcomes(manager, words, additions)).takeOut);
    });
    for (const { rolloutId } of touched) this.judged.add(rolloutId);
  }

  private count<C>(batch: readonly Located<C>[], add: (manager: EntityManager, fresh: readonly C[], to: Additions) => Promise<void>): Promise<void> {
    return inTransaction(this.dataSource, async (manager) => {
      const { topic, partition } = batch[0]!.at;
      const position = await lockPosition(manager, topic, partition);
      const fresh = batch.filter(({ at }) => !isCounted(at, position));
      if (fresh.length === 0) return;
      const additions = new Additions();
      await add(manager, fresh.map(({ counts }) => counts), additions);
      await write(manager, additions);
      await savePosition(manager, fresh.at(-1)!.at);
    });
  }
}

interface Position {
  readonly next_offset: string;
  readonly timestamp_ms: string;
}

/** A lower offset with a later time is no old acquaintance: the topic was made anew. */
const isCounted = (at: Coordinates, { next_offset, timestamp_ms }: Position): boolean => BigInt(at.offset) < BigInt(next_offset) && at.timestampMs <= Number(timestamp_ms);

/** Holds the partition until the transaction ends: one who still works on it after it was taken away waits, and then finds everything counted. */
async function lockPosition(manager: EntityManager, topic: string, partition: number): Promise<Position> {
  const [position] = await query<Position>(
    manager,
    `INSERT INTO rollout_positions VALUES ($1, $2, 0, 0) ON CONFLICT (topic, partition) DO UPDATE SET next_offset = rollout_positions.next_offset
     RETURNING next_offset, timestamp_ms`,
    [topic, partition],
  );
  return position!;
}

async function savePosition(manager: EntityManager, { topic, partition, offset, timestampMs }: Coordinates): Promise<void> {
  await query(manager, 'UPDATE rollout_positions SET next_offset = $3, timestamp_ms = $4 WHERE topic = $1 AND partition = $2', [topic, partition, String(BigInt(offset) + 1n), timestampMs]);
}

interface Identified {
  readonly predictionId: string;
  readonly stream: string;
  readonly context: { readonly rolloutId: string };
}

const keyOf = ({ stream, context, predictionId }: Identified): string => `${stream} ${context.rolloutId} ${shortId(predictionId)}`;
const compareKeys = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
const columnsOf = ({ stream, context, predictionId }: Identified) => ({ stream, rollout_id: context.rolloutId, id: String(shortId(predictionId)) });

async function firstCopies<C extends Identified>(manager: EntityManager, items: readonly C[]): Promise<C[]> {
  const unique = new Map<string, C>();
  for (const item of items) if (!unique.has(keyOf(item))) unique.set(keyOf(item), item);
  const rows = unnestRows({ stream: 'text', rollout_id: 'uuid', id: 'bigint' }, [...unique].sort(compareKeys).map(([, item]) => columnsOf(item)));
  const inserted = await query<{ stream: string; rollout_id: string; id: string }>(
    manager, `INSERT INTO rollout_counted (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING RETURNING stream, rollout_id, id`, rows.parameters,
  );
  return inserted.map(({ stream, rollout_id, id }) => unique.get(`${stream} ${rollout_id} ${id}`)!);
}

/**
 * The last word on each prediction replaces what an earlier one has added. Those of the last million are remembered; one that supersedes an older one counts as one
 * more.
 */
async function replaceOutcomes(manager: EntityManager, words: readonly Word[], to: Additions): Promise<Settled> {
  const known = await loadHeld(manager, words);
  const settled = settleWords(words, known);
  for (const one of settled.takeOut) to.addOutcome(one, -1);
  for (const one of settled.putIn) to.addOutcome(one);
  if (settled.held.size > 0) await saveHeld(manager, settled.held, known);
  return settled;
}

async function write(manager: EntityManager, { sums, bins, disagreements }: Additions): Promise<void> {
  if (sums.length > 0) {
    const rows = unnestRows({ rollout_id: 'uuid', step: 'int', arm: 'text', measure: 'text', cluster: 'smallint', count: 'bigint', sum: 'float8' }, sums);
    await query(
      manager,
      `INSERT INTO rollout_sums AS s (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT (rollout_id, step, arm, measure, cluster)
       DO UPDATE SET count = s.count + excluded.count, sum = s.sum + excluded.sum`,
      rows.parameters,
    );
  }
  if (bins.length > 0) {
    const rows = unnestRows({ rollout_id: 'uuid', step: 'int', arm: 'text', histogram: 'text', bin: 'int', count: 'bigint' }, bins);
    await query(
      manager,
      `INSERT INTO rollout_bins AS b (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT (rollout_id, step, arm, histogram, bin)
       DO UPDATE SET count = b.count + excluded.count`,
      rows.parameters,
    );
  }
  if (disagreements.length > 0) await keepLargest(manager, disagreements);
}

/** The largest of each rollout in the batch that the kept ones do not outdo; what is too many is forgotten from time to time. */
async function keepLargest(manager: EntityManager, disagreements: readonly Disagreement[]): Promise<void> {
  for (const [rolloutId, ofRollout] of Map.groupBy(disagreements, (one) => one.rolloutId)) {
    const [row] = await query<{ least: number }>(
      manager, 'SELECT abs(difference) AS least FROM rollout_disagreements WHERE rollout_id = $1 ORDER BY abs(difference) DESC OFFSET $2 LIMIT 1', [rolloutId, KEPT_DISAGREEMENTS - 1],
    );
    const largest = ofRollout.filter(({ difference }) => Math.abs(difference) > (row?.least ?? 0)).sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference)).slice(0, KEPT_DISAGREEMENTS);
    if (largest.length === 0) continue;
    const rows = unnestRows(
      {
        rollout_id: 'uuid', prediction_id: 'uuid', step: 'int', champion_score: 'float8', candidate_score: 'float8', difference: 'float8', decisions_differ: 'boolean', entities: 'jsonb',
        occurred_at: 'timestamptz',
      },
      largest.map((one) => ({
        rollout_id: rolloutId, prediction_id: one.predictionId, step: one.step, champion_score: one.championScore, candidate_score: one.candidateScore, difference: one.difference,
        decisions_differ: one.decisionsDiffer, entities: one.entities === undefined ? null : storable(one.entities), occurred_at: one.occurredAt,
      })).sort((a, b) => (a.prediction_id < b.prediction_id ? -1 : 1)),
    );
    await query(manager, `INSERT INTO rollout_disagreements (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING`, rows.parameters);
  }
}

/** As JSON, every character that PostgreSQL refuses (NUL, half a surrogate pair) replaced by U+FFFD. */
function storable(entities: Readonly<Record<string, string>>): string {
  const clean = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');
  return JSON.stringify(Object.fromEntries(Object.entries(entities).map(([role, id]) => [clean(role), clean(id)])));
}
