import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import { effectiveOutcome } from '../domain/outcome.js';
import { cureOf, nameFeatures } from '../domain/story.js';
import { outcomeOfRow, type OutcomeRow } from './outcome-rows.js';
import { ServedVersions, type KnownVersion } from './served-versions.js';

/** Everything the ledger knows of one prediction, as plain JSON. */
export type Story = Readonly<Record<string, unknown>>;

/** The whole story of a prediction, at any age: who asked, what was answered from which features, and what came of it. */
@Injectable()
export class Stories {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
  ) {}

  /** @throws ContractError `not_found` when the ledger has neither the prediction nor an outcome of it */
  async tell(predictionId: string): Promise<Story> {
    return inTransaction(this.dataSource, async (manager) => {
      const [key]: { state: string; day: string | null }[] = await manager.query(`SELECT state, day::text FROM prediction_key WHERE prediction_id = $1`, [predictionId]);
      const outcomes: OutcomeRow[] = await manager.query(`SELECT * FROM outcome WHERE subject_id = $1 ORDER BY recorded_at, source, sequence`, [predictionId]);
      const row = key?.day === undefined || key.day === null ? undefined : await rowAt(manager, 'prediction', predictionId, key.day);
      if (row === undefined && outcomes.length === 0) throw new ContractError('not_found', `the ledger has no prediction ${predictionId}`, { cure: 'Check the id; docs/identity.md says how it is computed. An answer takes a moment to be recorded.' });
      if (row === undefined) return { predictionId, state: 'awaited', outcome: null, outcomes: outcomes.map((outcome) => outcomeOf(outcome, false)) };
      return this.story(manager, row, outcomes);
    });
  }

  private async story(manager: EntityManager, row: StoryRow, outcomes: readonly OutcomeRow[]): Promise<Story> {
    const served = row.served_version_id === null ? undefined : await this.servedVersions.entryById(manager, row.served_version_id);
    const [joined]: JoinedRow[] = await manager.query(`SELECT * FROM prediction_joined WHERE prediction_id = $1 AND day = $2`, [row.prediction_id, row.day]);
    const shadows: StoryRow[] = await manager.query(`SELECT *, day::text FROM prediction_shadow WHERE prediction_id = $1 AND day = $2 ORDER BY version`, [row.prediction_id, row.day]);
    const effective = effectiveOutcome(outcomes.map(outcomeOfRow));
    return {
      predictionId: row.prediction_id, state: row.state, request: requestOf(row), ...(row.code === null ? { answer: answerOf(row, served) } : { rejection: rejectionOf(row) }),
      ...(row.features === null ? {} : { features: featuresOf(row, served) }),
      outcome: joined === undefined ? null : joinedOf(joined),
      outcomes: outcomes.map((outcome) => outcomeOf(outcome, outcome.source === effective?.source && Number(outcome.sequence) === effective.sequence)),
      ...(shadows.length === 0 ? {} : { shadows: shadows.map((shadow) => ({ version: shadow.version, outputs: shadow.outputs, score: shadow.score })) }),
      trace: row.trace_id === null ? null : { traceId: row.trace_id, spanId: row.span_id, sampled: row.sampled },
    };
  }
}

async function rowAt(manager: EntityManager, table: string, predictionId: string, day: string): Promise<StoryRow | undefined> {
  const rows: StoryRow[] = await manager.query(`SELECT *, day::text FROM ${table} WHERE prediction_id = $1 AND day = $2`, [predictionId, day]);
  return rows[0];
}

const requestOf = (row: StoryRow): object => ({
  source: row.request_source, id: row.request_id, ...maybe('row', row.request_row === null ? null : Number(row.request_row)), attempt: Number(row.attempt), lane: row.lane,
  ...maybe('team', row.team), ...maybe('routingKey', row.routing_key), ...maybe('entities', row.entities),
  occurredAt: row.occurred_at, requestedAt: row.requested_at, ...maybe('coordinates', row.request_coordinates),
});

const answerOf = (row: StoryRow, served: KnownVersion | undefined): object => ({
  model: row.model, version: row.version, artifactSha256: served?.artifactSha256, role: row.role, assignmentRevision: Number(row.assignment_revision),
  ...maybe('score', row.score), ...maybe('threshold', served?.signature?.score?.threshold ?? null), outputs: row.outputs,
  answeredAt: row.answered_at, timingsMs: row.timings_ms, batchSize: Number(row.batch_size), worker: row.worker, ...maybe('runtime', row.runtime),
  ...maybe('costMicroUsd', row.cost_micro_usd), coordinates: row.answer_coordinates, recordedAt: row.recorded_at,
  ...(row.fallback_kind === null ? {} : { fallback: { kind: row.fallback_kind, reason: row.fallback_reason } }),
});

const rejectionOf = (row: StoryRow): object => ({
  code: row.code, reason: row.reason, cure: cureOf(row.code ?? ''), ...maybe('model', row.model === '' ? null : row.model), ...maybe('version', row.version),
  answeredAt: row.answered_at, worker: row.worker, coordinates: row.answer_coordinates, recordedAt: row.recorded_at,
});

function featuresOf(row: StoryRow, served: KnownVersion | undefined): object[] {
  const values = unpackFeatures({ dtype: row.feature_dtype as FeatureDtype, bytes: row.features as Buffer, extras: row.feature_extras ?? undefined });
  return nameFeatures(values, served?.signature, row.feature_age_seconds ?? {}, row.defaulted ?? []);
}

const joinedOf = (row: JoinedRow): object => ({
  value: row.outcome, source: row.outcome_source, sequence: Number(row.outcome_sequence), occurredAt: row.outcome_occurred_at, delaySeconds: row.delay_seconds,
  ...maybe('error', row.error), ...maybe('correct', row.correct), joinedAt: row.joined_at,
});

const outcomeOf = (row: OutcomeRow, holds: boolean): object => ({
  value: row.value, source: row.source, sequence: Number(row.sequence), occurredAt: row.occurred_at, ...maybe('observedAt', row.observed_at),
  receivedAt: row.received_at, recordedAt: row.recorded_at, holds, coordinates: row.coordinates, ...maybe('traceId', row.trace_id),
});

const maybe = <T>(name: string, value: T | null): Record<string, T> => (value === null ? {} : { [name]: value });

interface StoryRow {
  readonly prediction_id: string;
  readonly day: string;
  readonly state: string;
  readonly attempt: string;
  readonly request_source: string;
  readonly request_id: string;
  readonly request_row: string | null;
  readonly lane: string;
  readonly team: string | null;
  readonly routing_key: string | null;
  readonly entities: Record<string, string> | null;
  readonly occurred_at: Date;
  readonly requested_at: Date;
  readonly answered_at: Date;
  readonly recorded_at: Date;
  readonly request_coordinates: string | null;
  readonly answer_coordinates: string;
  readonly worker: string;
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly sampled: boolean | null;
  readonly model: string;
  readonly version: string | null;
  readonly served_version_id: number | null;
  readonly role: string | null;
  readonly assignment_revision: string | null;
  readonly outputs: unknown;
  readonly score: number | null;
  readonly features: Buffer | null;
  readonly feature_dtype: number | null;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly feature_age_seconds: Record<string, number> | null;
  readonly defaulted: number[] | null;
  readonly timings_ms: unknown;
  readonly batch_size: string | null;
  readonly runtime: string | null;
  readonly cost_micro_usd: number | null;
  readonly fallback_kind: string | null;
  readonly fallback_reason: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

interface JoinedRow {
  readonly outcome: unknown;
  readonly outcome_source: string;
  readonly outcome_sequence: string;
  readonly outcome_occurred_at: Date;
  readonly delay_seconds: number;
  readonly error: number | null;
  readonly correct: boolean | null;
  readonly joined_at: Date;
}
