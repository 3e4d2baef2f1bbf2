import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import type { Prices } from '../costs/domain/cost.js';
import { PRICES } from '../costs/prices.js';
import type { OutcomeRow } from '../store/outcome-rows.js';
import { expiryOf } from '../retention/retired-days.js';
import { ServedVersions } from '../store/served-versions.js';
import { assignmentsFrom } from './assignments.js';
import type { Assignment } from './domain/assignment.js';
import { changesSince } from './domain/changes.js';
import { answerPart, featuresPart, joinedPart, moneyPart, outcomePart, rejectionPart, requestPart, shadowPart, stagesPart, tracePart, valuesPart, whyPart } from './parts.js';
import type { JoinedRow, StoryRow } from './story-rows.js';

/** Everything the ledger knows of one prediction, as plain JSON. */
export type Story = Readonly<Record<string, unknown>>;

/** What one system says a thousand times is no story. */
const MAX_OUTCOMES = 200;

/** The whole story of a prediction, at any age: who asked, what was answered by whom and why by that one, from which features, and what came of it. */
@Injectable()
export class Stories {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(PRICES) private readonly prices: Prices,
  ) {}

  /** @throws ContractError `not_found` when the ledger has neither the prediction nor an outcome of it */
  async tell(predictionId: string): Promise<Story> {
    return inTransaction(this.dataSource, async (manager) => {
      const [key]: { day: string | null }[] = await manager.query('SELECT day::text FROM prediction_key WHERE prediction_id = $1', [predictionId]);
      const day = key?.day ?? undefined;
      const outcomes: OutcomeRow[] = await manager.query(`SELECT * FROM outcome WHERE subject_id = $1 ORDER BY recorded_at DESC, source, sequence DESC LIMIT ${MAX_OUTCOMES}`, [predictionId]);
      const [row] = day === undefined ? [] : await rowsAt(manager, 'prediction', predictionId, day);
      if (row !== undefined) return this.story(manager, row, outcomes.reverse());
      if (day === undefined && outcomes.length === 0) throw new ContractError('not_found', `the ledger has no prediction ${predictionId}`, { cure: 'Check the id; docs/identity.md says how it is computed. An answer takes a moment to be recorded.' });
      return { predictionId, ...(day === undefined ? { state: 'awaited' } : await expiryOf(manager, day)), outcome: null, outcomes: outcomes.map((outcome) => outcomePart(outcome, false)).reverse() };
    });
  }

  private async story(manager: EntityManager, row: StoryRow, outcomes: readonly OutcomeRow[]): Promise<Story> {
    const served = row.served_version_id === null ? undefined : await this.servedVersions.entryById(manager, row.served_version_id);
    const [joined]: JoinedRow[] = await manager.query('SELECT * FROM prediction_joined WHERE prediction_id = $1 AND day = $2', [row.prediction_id, row.day]);
    const shadows = await rowsAt(manager, 'prediction_shadow', row.prediction_id, row.day);
    const revision = row.assignment_revision === null ? undefined : Number(row.assignment_revision);
    const known = revision === undefined ? [] : await assignmentsFrom(manager, row.model, revision);
    const then: Assignment | undefined = known[0]?.revision === revision ? known[0] : undefined;
    const why = whyPart(row, then);
    const isHolding = (outcome: OutcomeRow): boolean => joined !== undefined && outcome.source === joined.outcome_source && outcome.sequence === joined.outcome_sequence;
    return {
      predictionId: row.prediction_id, state: row.state, request: requestPart(row), ...(row.code === null ? { answer: answerPart(row, served) } : { rejection: rejectionPart(row) }),
      ...(why === undefined ? {} : { why }), stages: stagesPart(row, then), ...valuesPart(row), ...(row.features === null ? {} : { features: featuresPart(row, served) }),
      outcome: joined === undefined ? null : joinedPart(joined), outcomes: outcomes.map((outcome) => outcomePart(outcome, isHolding(outcome))),
      ...(row.code === null ? { money: moneyPart(row, joined, this.prices) } : {}), ...(shadows.length === 0 ? {} : { shadows: shadows.map(shadowPart) }),
      ...(revision === undefined ? {} : { since: changesSince(row.version ?? undefined, revision, known) }), trace: tracePart(row),
    };
  }
}

const rowsAt = (manager: EntityManager, table: 'prediction' | 'prediction_shadow', predictionId: string, day: string): Promise<StoryRow[]> =>
  manager.query(`SELECT *, day::text FROM ${table} WHERE prediction_id = $1 AND day = $2 ORDER BY version`, [predictionId, day]);
