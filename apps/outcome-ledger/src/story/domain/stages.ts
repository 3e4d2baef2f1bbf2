import { STAGES, type LatencyBudget, type Stage } from '@throughline/contracts';

/** A stage of a prediction, held against what it may take. */
export interface StageInStory {
  readonly stage: string;
  readonly ms: number;
  readonly budgetMs?: number;
  /** It took longer than its budget. */
  readonly isOver?: boolean;
}

const RANK: Readonly<Record<string, number>> = Object.fromEntries([...STAGES, 'total'].map((stage, index) => [stage, index]));

/** Stages in their order, the total and what is not known here last; the total has the sum of the budgets of what is in it, where each stage has one. */
export function stagesOf(timingsMs: Readonly<Record<string, number | undefined>>, budget: LatencyBudget | undefined): StageInStory[] {
  const known = Object.entries(timingsMs).flatMap(([stage, ms]) => (ms === undefined ? [] : [{ stage, ms }]));
  const budgets = known.filter(({ stage }) => stage !== 'total').map(({ stage }) => budget?.[stage as Stage]);
  const total = budgets.length > 0 && budgets.every((one) => one !== undefined) ? budgets.reduce((sum, one) => sum + one, 0) : undefined;
  return known
    .sort((a, b) => (RANK[a.stage] ?? STAGES.length + 1) - (RANK[b.stage] ?? STAGES.length + 1))
    .map(({ stage, ms }) => {
      const budgetMs = stage === 'total' ? total : budget?.[stage as Stage];
      return budgetMs === undefined ? { stage, ms } : { stage, ms, budgetMs, isOver: ms > budgetMs };
    });
}
