import type { GoldenInputs, ModelSignature } from '@throughline/contracts';
import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Assignment } from '../domain/deployment.js';
import type { ArtifactFormat } from '../domain/format.js';
import type { UploadMetadata } from '../domain/metadata.js';

/** A name under which versions exist. Its row is what writers of one model wait for each other on. */
@Entity('models')
export class ModelRow {
  @PrimaryColumn('text') name!: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}

/** Never changed once written. */
@Entity('versions')
export class VersionRow {
  @PrimaryColumn('text') model!: string;
  @PrimaryColumn('integer') version!: number;
  /** Identity of the upload: the same one again is the same version. */
  @Column('text', { name: 'upload_digest' }) uploadDigest!: string;
  @Column('text') format!: ArtifactFormat;
  @Column('text', { name: 'artifact_sha256' }) artifactSha256!: string;
  @Column('integer', { name: 'size_bytes' }) sizeBytes!: number;
  @Column('jsonb') signature!: ModelSignature;
  @Column('jsonb') metadata!: UploadMetadata;
  @Column('boolean', { name: 'has_baseline' }) hasBaseline!: boolean;
  /** Large, and rarely wanted. */
  @Column('jsonb', { name: 'baseline_profile', nullable: true, select: false }) baselineProfile?: object | null;
  @Column('jsonb', { nullable: true }) golden!: GoldenInputs | null;
  @Column('text', { name: 'artifact_signature', nullable: true }) artifactSignature!: string | null;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
}

@Entity('aliases')
export class AliasRow {
  @PrimaryColumn('text') model!: string;
  @PrimaryColumn('text') alias!: string;
  @Column('integer') version!: number;
  @Column('text') author!: string;
  @Column('text', { nullable: true }) reason!: string | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt!: Date;
}

/** Append-only: what an alias has been, and who moved it. */
@Entity('alias_changes')
export class AliasChangeRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' }) id!: string;
  @Column('text') model!: string;
  @Column('text') alias!: string;
  @Column('integer', { name: 'from_version', nullable: true }) fromVersion!: number | null;
  @Column('integer', { name: 'to_version', nullable: true }) toVersion!: number | null;
  @Column('text') author!: string;
  @Column('text', { nullable: true }) reason!: string | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt!: Date;
}

/** Append-only: every revision of what a model serves. The highest is in force. */
@Entity('deployments')
export class DeploymentRow {
  @PrimaryColumn('text') model!: string;
  @PrimaryColumn('integer') revision!: number;
  @Column('jsonb') assignment!: Assignment;
  @Column('text') author!: string;
  @Column('text', { nullable: true }) reason!: string | null;
  @Column('timestamptz', { name: 'decided_at' }) decidedAt!: Date;
}

/** Append-only: who did what, and when. */
@Entity('audit')
export class AuditRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' }) id!: string;
  @Column('timestamptz') at!: Date;
  @Column('text') actor!: string;
  @Column('text') action!: string;
  @Column('text') model!: string;
  @Column('jsonb') detail!: Record<string, unknown>;
}

export const ENTITIES = [ModelRow, VersionRow, AliasRow, AliasChangeRow, DeploymentRow, AuditRow];
