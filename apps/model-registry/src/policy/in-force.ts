import type { ModelPolicy } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { NO_POLICY, type PolicyInForce } from './domain/policy.js';

type Source = Pick<DataSource, 'query'>;

/** The policy of a model, within the transaction of whoever asks. */
export async function policyInForce(source: Source, model: string): Promise<PolicyInForce> {
  const rows = await query<{ revision: number; policy: ModelPolicy }>(source, 'SELECT revision, policy FROM model_policies WHERE model = $1 ORDER BY revision DESC LIMIT 1', [model]);
  return rows[0] ?? NO_POLICY;
}

/** What the model's policy says of the truth about its predictions, of how it is monitored and of what is not to be kept: every deployment says the same. */
export async function declaredParts(source: Source, model: string): Promise<Pick<ModelPolicy, 'outcome' | 'monitoring' | 'privacy'>> {
  const { outcome, monitoring, privacy } = (await policyInForce(source, model)).policy;
  return { outcome, monitoring, privacy };
}
