import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { DEFAULT_POLICY, policyProblems, type RetrainingPolicy } from '../domain/policy.js';
import { followSchedule } from './schedules.js';

export interface StoredPolicy {
  readonly policy: RetrainingPolicy;
  /** What was put; the rest of the policy is defaults. */
  readonly given: Partial<RetrainingPolicy>;
  /** When it was put; `undefined` for the default. */
  readonly updatedAt: Date | undefined;
}

@Injectable()
export class Policies {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** The model's policy, else the default. */
  async of(model: string): Promise<StoredPolicy> {
    const [row] = await query<{ policy: Partial<RetrainingPolicy>; updated_at: Date }>(this.dataSource, 'SELECT policy, updated_at FROM retraining_policy WHERE model = $1', [model]);
    return row === undefined ? { policy: DEFAULT_POLICY, given: {}, updatedAt: undefined } : { policy: { ...DEFAULT_POLICY, ...row.policy }, given: row.policy, updatedAt: row.updated_at };
  }

  /** Replaces the model's policy; what is not given is the default's. @throws ContractError `invalid_request` */
  async put(model: string, given: Partial<RetrainingPolicy>): Promise<StoredPolicy> {
    const policy = { ...DEFAULT_POLICY, ...given };
    const problems = policyProblems(policy);
    if (problems.length > 0) throw new ContractError('invalid_request', problems.join('; '));
    const updatedAt = await inTransaction(this.dataSource, async (manager) => {
      const [row] = await query<{ updated_at: Date }>(
        manager,
        `INSERT INTO retraining_policy (model, policy) VALUES ($1, $2)
         ON CONFLICT (model) DO UPDATE SET policy = EXCLUDED.policy, updated_at = now() RETURNING updated_at`,
        [model, JSON.stringify(given)],
      );
      await followSchedule(manager, model, policy.schedule);
      return row!.updated_at;
    });
    return { policy, given, updatedAt };
  }
}
