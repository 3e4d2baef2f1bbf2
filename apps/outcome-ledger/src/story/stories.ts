import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
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

interface StoryParts {
  readonly row: StoryRow;
  readonly joined: JoinedRow | undefined;
  readonly shadows: readonly StoryRow[];
  /** In the order in which they were recorded. */
  readonly outcomes: readonly OutcomeRow[];
}

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
    // Each step asks all it can at once: in most stories what takes long is the way to the database.
    const [day, outcomes] = await Promise.all([
      this.dayOf(predictionId),
      query<OutcomeRow>(this.dataSource, `SELECT * FROM outcome WHERE subject_id = $1 ORDER BY recorded_at DESC, source, sequence DESC LIMIT ${MAX_OUTCOMES}`, [predictionId]),
    ]);
    const parts = day === undefined ? undefined : await this.partsOf(predictionId, day);
    if (parts?.row !== undefined) return this.story({ ...parts, row: parts.row, outcomes: outcomes.reverse() });
    // A retry's answer, which may be of another day, has displaced it in between.
    if (day !== undefined && (await this.dayOf(predictionId)) !== day) return this.tell(predictionId);
    if (day === undefined && outcomes.length === 0) throw new ContractError('not_found', `the ledger has no prediction ${predictionId}`, { cure: 'Check the id; docs/identity.md says how it is computed. An answer takes a moment to be recorded.' });
    return { predictionId, ...(day === undefined ? { state: 'awaited' } : await expiryOf(this.dataSource.manager, day)), outcome: null, outcomes: outcomes.map((outcome) => outcomePart(outcome, false)).reverse() };
  }

  private async dayOf(predictionId: string): Promise<string | undefined> {
    const [key] = await query<{ day: string | null }>(this.dataSource, 'SELECT day::text FROM prediction_key WHERE prediction_id = $1', [predictionId]);
    return key?.day ?? undefined;
  }

  private async partsOf(predictionId: string, day: string): Promise<Pick<StoryParts, 'joined' | 'shadows'> & { row: StoryRow | undefined }> {
    const [[row], [joined], shadows] = await Promise.all([
      this.rowsAt<StoryRow>('prediction', predictionId, day), this.rowsAt<JoinedRow>('prediction_joined', predictionId, day), this.rowsAt<StoryRow>('prediction_shadow', predictionId, day, 'ORDER BY version'),
    ]);
    return { row, joined, shadows };
  }

  private rowsAt<Row>(table: 'prediction' | 'prediction_joined' | 'prediction_shadow', predictionId: string, day: string, order = ''): Promise<Row[]> {
    return query<Row>(this.dataSource, `SELECT *, day::text FROM ${table} WHERE prediction_id = $1 AND day = $2 ${order}`, [predictionId, day]);
  }

  private async story({ row, joined, shadows, outcomes }: StoryParts): Promise<Story> {
    const revision = row.assignment_revision === null ? undefined : Number(row.assignment_revision);
    const [served, known] = await Promise.all([
      row.served_version_id === null ? undefined : this.servedVersions.entryById(this.dataSource.manager, row.served_version_id),
      revision === undefined ? [] : assignmentsFrom(this.dataSource.manager, row.model, revision),
    ]);
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
