import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { DEFAULT_POLICY, policyProblems, type RetrainingPolicy } from '../domain/policy.js';

export interface StoredPolicy {
  readonly policy: RetrainingPolicy;
  /** When it was put; `undefined` for the default. */
  readonly updatedAt: Date | undefined;
}

@Injectable()
export class Policies {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** The model's policy, else the default. */
  async of(model: string): Promise<StoredPolicy> {
    const [row] = await query<{ policy: RetrainingPolicy; updated_at: Date }>(this.dataSource, 'SELECT policy, updated_at FROM retraining_policy WHERE model = $1', [model]);
    return row === undefined ? { policy: DEFAULT_POLICY, updatedAt: undefined } : { policy: { ...DEFAULT_POLICY, ...row.policy }, updatedAt: row.updated_at };
  }

  /** Replaces the model's policy; what is not given is the default's. @throws ContractError `invalid_request` */
  async put(model: string, given: Partial<RetrainingPolicy>): Promise<StoredPolicy> {
    const policy = { ...DEFAULT_POLICY, ...given };
    const problems = policyProblems(policy);
    if (problems.length > 0) throw new ContractError('invalid_request', problems.join('; '));
    const [row] = await query<{ updated_at: Date }>(
      this.dataSource,
      `INSERT INTO retraining_policy (model, policy) VALUES ($1, $2)
       ON CONFLICT (model) DO UPDATE SET policy = EXCLUDED.policy, updated_at = now() RETURNING updated_at`,
      [model, JSON.stringify(policy)],
    );
    return { policy, updatedAt: row!.updated_at };
  }
}
