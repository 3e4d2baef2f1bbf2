import { ContractError } from '@throughline/contracts';
import type { RolloutStore } from '../../store/rollouts.js';
import type { EvidenceStore } from '../evidence-store.js';
import { drawnMeasure, type Points } from './points.js';
import { toReport, type RolloutReport } from './rollout-report.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SHOWN_DISAGREEMENTS = 50;

/** Puts reports of rollouts together. */
export class RolloutReports {
  constructor(private readonly rollouts: Pick<RolloutStore, 'find' | 'steps'>, private readonly evidence: EvidenceStore, private readonly points: Points) {}

  /** @throws ContractError `not_found` */
  async of(model: string, id: string, now: Date): Promise<RolloutReport> {
    const rollout = UUID.test(id) ? await this.rollouts.find(model, id) : undefined;
    if (rollout === undefined) throw new ContractError('not_found', `“${model}” has no rollout ${id.slice(0, 80)}`, { cure: `List them: GET /registry/v1/models/${model}/rollouts.` });
    const [reached, evidence, points, disagreements] = await Promise.all([
      this.rollouts.steps(id), this.evidence.read(id), this.points.of(id, drawnMeasure(rollout.spec)), this.evidence.disagreements(id, SHOWN_DISAGREEMENTS),
    ]);
    return toReport({ rollout, reached, evidence, points, disagreements }, now);
  }
}
