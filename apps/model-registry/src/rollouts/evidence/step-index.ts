import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { Loss, RolloutSpec } from '../domain/spec.js';
import type { FindStep, Reading, StepContext } from './context.js';

interface StepRow {
  readonly rollout_id: string;
  readonly step: number;
  readonly model: string;
  readonly revision: number;
  readonly champion: number;
  readonly spec: RolloutSpec;
  readonly champion_reading: RawReading;
  readonly candidate_reading: RawReading;
}

interface RawReading {
  readonly task?: Reading['task'];
  readonly threshold?: number | null;
}

interface Stated {
  readonly model?: string | undefined;
  readonly assignmentRevision?: number | undefined;
}

const READING = (version: string): string =>
  `(SELECT jsonb_build_object('task', v.signature->'task', 'threshold', v.signature->'score'->'threshold') FROM versions v WHERE v.model = r.model AND v.version = ${version})`;
const STEPS_SQL = `
  SELECT s.rollout_id, s.step, s.model, s.revision, r.champion, r.spec, ${READING('r.champion')} AS champion_reading, ${READING('r.candidate')} AS candidate_reading
  FROM rollout_steps s JOIN rollouts r ON r.id = s.rollout_id`;

/**
 * Which revisions of deployments were steps of rollouts, in memory. A revision beyond what was known makes it look again before anything is counted: the
 * row of a step commits together with its revision, and nobody can answer under a revision before that.
 */
export class StepIndex {
  private readonly steps = new Map<string, Map<number, StepContext>>();
  private readonly knownUntil = new Map<string, number>();

  constructor(private readonly dataSource: Pick<DataSource, 'query'>) {}

  /** Looks again if any of these was answered under a revision that is news; then answers from memory. */
  async knowing(events: Iterable<{ readonly data: Stated }>): Promise<FindStep> {
    for (const { data: { model, assignmentRevision } } of events) {
      if (model === undefined || assignmentRevision === undefined || assignmentRevision <= (this.knownUntil.get(model) ?? 0)) continue;
      await this.refresh();
      break;
    }
    return this.find;
  }

  /** Whether the model has ever had one, as far as is known. */
  hasRollouts(model: string): boolean {
    return this.steps.has(model);
  }

  readonly find: FindStep = (model, revision) => this.steps.get(model)?.get(revision);

  private async refresh(): Promise<void> {
    // First, so that the steps read afterwards are those of all these revisions.
    const revisions = await query<{ model: string; revision: number }>(this.dataSource, 'SELECT model, max(revision) AS revision FROM deployments GROUP BY model');
    const rows = await query<StepRow>(this.dataSource, STEPS_SQL);
    for (const row of rows) {
      const ofModel = this.steps.get(row.model) ?? new Map<number, StepContext>();
      this.steps.set(row.model, ofModel);
      if (!ofModel.has(row.revision)) ofModel.set(row.revision, contextOf(row));
    }
    for (const { model, revision } of revisions) this.knownUntil.set(model, revision);
  }
}

function contextOf({ rollout_id, step, champion, spec, champion_reading, candidate_reading }: StepRow): StepContext {
  const readings = { champion: readingOf(champion_reading), candidate: readingOf(candidate_reading) };
  return {
    rolloutId: rollout_id, step, strategy: spec.strategy, champion: String(champion), candidate: String(spec.candidate), readings,
    loss: lossOf(spec, readings.candidate), segments: spec.segments, outcome: spec.outcome ?? undefined,
  };
}

const readingOf = ({ task, threshold }: RawReading): Reading => ({ task: task ?? 'other', threshold: threshold ?? undefined });

/** The loss of segments and pairs: the one that a guard watches. */
export function lossOf({ guards }: Pick<RolloutSpec, 'guards'>, { task }: Pick<Reading, 'task'>): Loss {
  const watched = guards.find(({ kind }) => kind === 'quality');
  if (watched?.kind === 'quality') return watched.loss;
  return task === 'regression' ? 'absolute_error' : 'squared_error';
}
