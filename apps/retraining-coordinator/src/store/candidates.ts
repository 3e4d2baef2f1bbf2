import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import type { CandidateMetadata } from '../domain/candidate.js';
import type { TrainedCandidate } from '../training/train-candidate.js';

export interface StoredCandidate extends TrainedCandidate {
  readonly championVersion: string;
}

/** Trained candidates until their run has ended: whoever takes a run over registers the very same one, not a second. */
@Injectable()
export class Candidates {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async find(runId: string): Promise<StoredCandidate | undefined> {
    const [row] = await query<{ champion_version: string; artifact: Buffer; metadata: CandidateMetadata; reference: Buffer; champion_metrics: Record<string, number> }>(
      this.dataSource, 'SELECT champion_version, artifact, metadata, reference, champion_metrics FROM retraining_candidate WHERE run_id = $1', [runId],
    );
    if (row === undefined) return undefined;
    return { championVersion: row.champion_version, artifact: row.artifact, metadata: row.metadata, reference: row.reference, championMetrics: row.champion_metrics };
  }

  async save(manager: EntityManager, runId: string, { championVersion, artifact, metadata, reference, championMetrics }: StoredCandidate): Promise<void> {
    await query(
      manager,
      'INSERT INTO retraining_candidate (run_id, champion_version, artifact, metadata, reference, champion_metrics) VALUES ($1, $2, $3, $4, $5, $6)',
      [runId, championVersion, Buffer.from(artifact), JSON.stringify(metadata), Buffer.from(reference), JSON.stringify(championMetrics)],
    );
  }

  async remove(manager: EntityManager, runId: string): Promise<void> {
    await query(manager, 'DELETE FROM retraining_candidate WHERE run_id = $1', [runId]);
  }
}
