import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';

/** Draws predictions by lot. */
@Injectable()
export class Samples {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /**
   * Ids of answered predictions, each once. Ids are hashes and lie evenly: the next one after a random point is as good as drawn, and found by the key
   * alone, however many there are.
   */
  async draw(count: number): Promise<string[]> {
    const points = Array.from({ length: count }, () => randomUUID());
    const rows = await query<{ id: string }>(this.dataSource, DRAW, [points]);
    return rows.map(({ id }) => id);
  }
}

const NEXT = (condition: string): string => `SELECT prediction_id FROM prediction_key WHERE ${condition} state IN ('scored', 'fallback') ORDER BY prediction_id LIMIT 1`;

/** After the last one comes the first. */
const DRAW = `SELECT DISTINCT coalesce(after.prediction_id, first.prediction_id) AS id FROM unnest($1::uuid[]) AS point
  LEFT JOIN LATERAL (${NEXT('prediction_id >= point AND')}) AS after ON true LEFT JOIN LATERAL (${NEXT('')}) AS first ON true
  WHERE coalesce(after.prediction_id, first.prediction_id) IS NOT NULL`;
