import { ContractError } from '@throughline/contracts';
import type { EntityManager } from 'typeorm';

const CANCELED = '57014';

/** No statement of this transaction takes longer. */
export async function limitStatementTime(manager: EntityManager, limitMs: number): Promise<void> {
  await manager.query(`SELECT set_config('statement_timeout', $1, true)`, [String(limitMs)]);
}

/** @throws ContractError `query_too_slow` instead of PostgreSQL's word for a statement that was cut off */
export async function tooSlowSays<R>(work: Promise<R>, reason: string, cure?: string): Promise<R> {
  try {
    return await work;
  } catch (error) {
    for (let cause = error as { code?: unknown; driverError?: unknown; cause?: unknown } | undefined; cause !== undefined; cause = (cause.driverError ?? cause.cause) as typeof cause) {
      if (cause.code === CANCELED) throw new ContractError('query_too_slow', reason, { cause: error, ...(cure === undefined ? {} : { cure }) });
    }
    throw error;
  }
}
