import { Inject, Injectable } from '@nestjs/common';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { Background } from '../store/background.js';
import { timestamp } from '../store/rows.js';
import { limitStatementTime, tooSlowSays } from '../store/statement-time.js';
import { BIN_ENDS_SECONDS } from './domain/horizons.js';
import type { LabelCount } from './domain/label-report.js';

export interface LabelPeriod {
  readonly model: string;
  /** Event time of the predictions, from (inclusive) and to (exclusive), epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The model's own present, event time. */
  readonly nowMs: number;
  /** From which event time on a prediction is too young for its label to be due; `undefined` where no maturity is declared. */
  readonly maturedUntilMs: number | undefined;
}

/**
 * Reads the index alone (model, event time, number of the version, state), never features; the answer has a row a bin, however many predictions there are. What is computed of
 * every row is in binary types (`date_part`, not `extract`, which is numeric); what is text is made of the few rows at the end.
 */
export const COUNT_SQL = `SELECT v.version, g.day::text, CASE WHEN g.assumed IS NULL THEN 'open' WHEN g.assumed THEN 'assumed' ELSE 'labelled' END AS state, g."isMature", g.bin, sum(g.count)::float8 AS count,
    max(g."maxSeconds") AS "maxSeconds"
  FROM (
    SELECT p.served_version_id, (p.occurred_at AT TIME ZONE 'UTC')::date AS day, j.is_assumed AS assumed, coalesce(p.occurred_at <= $5::timestamptz, false) AS "isMature",
      width_bucket(s.seconds, $6::float8[]) AS bin, count(*) AS count, max(s.seconds) AS "maxSeconds"
    FROM prediction p LEFT JOIN prediction_joined j ON j.prediction_id = p.prediction_id AND j.day = p.day
    CROSS JOIN LATERAL (SELECT greatest(0, CASE WHEN j.is_assumed IS FALSE THEN j.delay_seconds ELSE date_part('epoch', $4::timestamptz - p.occurred_at) END) AS seconds) s
    WHERE p.model = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.state <> 'rejected'
    GROUP BY 1, 2, 3, 4, 5) g
  JOIN served_version v ON v.id = g.served_version_id GROUP BY 1, 2, 3, 4, 5`;

/** `width_bucket` counts a value on a bound to the bin above it. */
const BIN_BOUNDS = BIN_ENDS_SECONDS.map((end) => end * (1 + Number.EPSILON));
const MAX_QUERY_MS = 60_000;

/** How the labels of a model's predictions stand. */
@Injectable()
export class LabelStore {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** @throws ContractError `query_too_slow` when counting takes too long */
  async count({ model, fromMs, toMs, nowMs, maturedUntilMs }: LabelPeriod, { isUrgent }: { isUrgent: boolean }): Promise<LabelCount[]> {
    const count = async (manager: EntityManager): Promise<LabelCount[]> => {
      // One day at a time, instead of one hash table of everything.
      await manager.query(`SET LOCAL enable_partitionwise_join = on`);
      // Pages of an index that is read from end to end are no more random than those of the table, and a tenth as many.
      await manager.query(`SET LOCAL random_page_cost = 1`);
      await limitStatementTime(manager, MAX_QUERY_MS);
      return manager.query<LabelCount[]>(COUNT_SQL, [model, timestamp(fromMs), timestamp(toMs), timestamp(nowMs), maturedUntilMs === undefined ? null : timestamp(maturedUntilMs), BIN_BOUNDS]);
    };
    return tooSlowSays(isUrgent ? inTransaction(this.dataSource, count) : this.background.run(count), `counting the labels of ${model} took longer than ${MAX_QUERY_MS / 1000} s`, 'Ask for a shorter period.');
  }
}
