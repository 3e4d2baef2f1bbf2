import { ContractError } from '@throughline/contracts';
import type { EntityManager } from 'typeorm';

/** While a rollout runs the deployment is its own. @throws ContractError `rollout_running` that names it */
export async function refuseDuringRollout(manager: EntityManager, model: string): Promise<void> {
  const rows = await manager.query<{ id: string; strategy: string; candidate: number }[]>('SELECT id, strategy, candidate FROM rollouts WHERE model = $1 AND ended_at IS NULL', [model]);
  const [running] = rows;
  if (running === undefined) return;
  throw new ContractError('rollout_running', `the ${running.strategy.replace('_', '-')} rollout ${running.id} of version ${running.candidate} has the deployment of “${model}”`, {
    cure: `Wait for its end, or take it back: POST /registry/v1/models/${model}/rollouts/${running.id}/abort.`,
  });
}
