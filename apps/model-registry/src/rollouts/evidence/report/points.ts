import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { RolloutSpec } from '../../domain/spec.js';
import { compare } from '../../guards/compare.js';
import type { EvidenceStore } from '../evidence-store.js';

/** The outcome difference as it was once that many outcomes were known. */
export interface Point {
  readonly at: string;
  readonly outcomes: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** An interval narrows with the root of its samples: a point is worth keeping at each 5 % more, some 300 up to a thousand million. */
const GROWTH = 1.05;

/** The measure that the report draws over time: the value of decisions where a guard watches it, else the watched loss, else any. */
export function drawnMeasure({ guards, strategy }: Pick<RolloutSpec, 'guards' | 'strategy'>): string {
  if (guards.some(({ kind }) => kind === 'business_value')) return strategy === 'shadow' ? 'value_difference' : 'value';
  if (strategy === 'shadow') return 'loss_difference';
  return guards.find((guard) => guard.kind === 'quality')?.loss ?? 'squared_error';
}

/** How the outcome difference of rollouts came to be what it is. */
export class Points {
  constructor(private readonly dataSource: DataSource, private readonly evidence: Pick<EvidenceStore, 'read' | 'totals'>) {}

  async of(rolloutId: string, measure: string): Promise<Point[]> {
    const rows = await query<{ at: Date; outcomes: string; difference: number; low: number; high: number }>(
      this.dataSource, 'SELECT at, outcomes, difference, low, high FROM rollout_points WHERE rollout_id = $1 AND measure = $2 ORDER BY outcomes', [rolloutId, measure],
    );
    return rows.map(({ at, outcomes, ...point }) => ({ at: at.toISOString(), outcomes: Number(outcomes), ...point }));
  }

  /** Keeps where the difference stands, if enough outcomes have come since it was kept last. */
  async record(rolloutId: string, at: Date): Promise<void> {
    const totals = await this.evidence.totals(rolloutId);
    const outcomes = totals.reduce((sum, { champion, candidate }) => sum + champion.outcomes + candidate.outcomes, 0);
    const [rollout] = await query<{ spec: RolloutSpec; last: string | null }>(
      this.dataSource, 'SELECT spec, (SELECT max(outcomes) FROM rollout_points WHERE rollout_id = id) AS last FROM rollouts WHERE id = $1', [rolloutId],
    );
    if (rollout === undefined || outcomes < Number(rollout.last ?? 0) * GROWTH) return;
    const measure = drawnMeasure(rollout.spec);
    const found = compare(rollout.spec, await this.evidence.read(rolloutId), measure);
    if (found === undefined || !Number.isFinite(found.low) || !Number.isFinite(found.high)) return;
    await query(
      this.dataSource, 'INSERT INTO rollout_points (rollout_id, measure, outcomes, at, difference, low, high) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING',
      [rolloutId, measure, outcomes, at, found.difference, found.low, found.high],
    );
  }
}
