import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { query } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { Rounds } from '@throughline/http';
import { KEPT_DISAGREEMENTS } from './tally.js';

const EVERY_MS = 60_000;
/** Of each of the two memories: a quarter of an hour at 1,000 a second. Measured with their indexes, so many outcomes are 370 MB, and 700 MB while all of them have just been corrected. */
const REMEMBERED_IDS = 1_000_000;

const FORGET_SQL = [
  ...['rollout_counted', 'rollout_outcomes'].map((table) => `DELETE FROM ${table} WHERE position <= (SELECT max(position) FROM ${table}) - ${REMEMBERED_IDS}`),
  `DELETE FROM rollout_disagreements d USING (
     SELECT rollout_id, prediction_id, row_number() OVER (PARTITION BY rollout_id ORDER BY abs(difference) DESC) AS place FROM rollout_disagreements) ranked
   WHERE d.rollout_id = ranked.rollout_id AND d.prediction_id = ranked.prediction_id AND ranked.place > ${KEPT_DISAGREEMENTS}`,
];

/** Keeps the memory of what was counted bounded. */
@Injectable()
export class EvidenceUpkeep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;

  constructor(@Inject(DataSource) private readonly dataSource: DataSource, @Inject(LOGGER) private readonly logger: Logger) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(EVERY_MS, () => this.forget(), (error) => this.logger.warn({ err: error }, 'forgetting old ids of rollouts failed; it is tried again'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  async forget(): Promise<void> {
    for (const sql of FORGET_SQL) await query(this.dataSource, sql);
  }
}
