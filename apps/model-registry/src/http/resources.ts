import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { GoldenInputs, ModelSignature } from '@throughline/contracts';
import type { ArtifactFormat } from '../domain/format.js';
import { missingLineage } from '../domain/lineage.js';
import type { UploadMetadata } from '../domain/metadata.js';
import type { ServingPolicy } from '../domain/serving-policy.js';
import type { AliasChangeRow, AliasRow, AuditRow, DeploymentRow, VersionRow } from '../store/entities.js';
import { NO_RECORD, type VersionRecord } from '../store/version-records.js';
import type { ListedModel } from '../store/versions.js';
import { policyField } from './policy-field.js';

const INSTANT = { format: 'date-time', example: '2026-11-21T12:00:00.000Z' };
const SHA256 = { pattern: '^[0-9a-f]{64}$', example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' };

/** What the registry answers. Versions are strings, times RFC 3339. */
export class ModelResource {
  @ApiProperty({ example: 'flight-delay' }) name!: string;
  @ApiPropertyOptional({ example: '3', description: 'absent before the first' }) latestVersion?: string;
  @ApiProperty({ example: { champion: '2' }, additionalProperties: { type: 'string' } }) aliases!: Record<string, string>;
  @ApiProperty({ example: 7, description: 'of the deployment; 0 before the first' }) revision!: number;
  @ApiProperty(INSTANT) createdAt!: string;
}

export class OverrideResource {
  @ApiProperty({ example: 'ada@example.org' }) author!: string;
  @ApiProperty({ example: 'the training run was lost; scored by hand against May' }) reason!: string;
  @ApiProperty(INSTANT) at!: string;
}

export class VersionResource {
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ example: '2' }) version!: string;
  @ApiProperty({ enum: ['onnx', 'rules'], example: 'onnx' }) format!: ArtifactFormat;
  @ApiProperty(SHA256) artifactSha256!: string;
  @ApiProperty({ ...SHA256, description: 'identity of the upload: SHA-256 of the canonical JSON of [SHA-256 of the artifact, metadata, SHA-256 of the reference or null, and the signature where there is one]; the same upload again is the same version' }) uploadDigest!: string;
  @ApiProperty({ example: 1834, description: 'bytes' }) sizeBytes!: number;
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'of a graph: inputs and outputs as read from it, features, task and score as uploaded; of rules: as their document says' }) signature!: ModelSignature;
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'as uploaded' }) metadata!: UploadMetadata;
  @ApiProperty({ example: true, description: 'whether drift can be measured against a frozen baseline' }) hasBaseline!: boolean;
  @ApiProperty({ type: [String], example: [], description: 'what it does not say of its making: of dataset, codeCommit, metrics; it serves only with none, or an override' }) missingLineage!: string[];
  @ApiProperty({ type: [OverrideResource], description: 'who lets it serve all the same' }) overrides!: OverrideResource[];
  @ApiPropertyOptional({ ...INSTANT, description: 'cannot be deployed, and is listed only on request' }) archivedAt?: string | undefined;
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'rows with the outputs that every worker must see before it serves' }) golden?: GoldenInputs | undefined;
  @ApiPropertyOptional({ type: String, description: 'Ed25519, of the artifact’s bytes, base64' }) artifactSignature?: string | undefined;
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'only where one version is read' }) baselineProfile?: object | undefined;
  @ApiProperty(INSTANT) createdAt!: string;
}

export class AliasResource {
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ example: 'champion' }) alias!: string;
  @ApiProperty({ example: '2' }) version!: string;
  @ApiProperty({ example: 'ada@example.org' }) author!: string;
  @ApiPropertyOptional({ type: String, nullable: true, example: 'better AUC on May' }) reason!: string | null;
  @ApiProperty(INSTANT) changedAt!: string;
  @ApiPropertyOptional({ example: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11', description: 'that has begun to bring the wanted version in' }) rollout?: string;
}

export class AliasChangeResource {
  @ApiProperty({ type: String, nullable: true, example: '1' }) from!: string | null;
  @ApiProperty({ type: String, nullable: true, example: '2' }) to!: string | null;
  @ApiProperty({ example: 'ada@example.org' }) author!: string;
  @ApiPropertyOptional({ type: String, nullable: true, example: 'better AUC on May' }) reason!: string | null;
  @ApiProperty(INSTANT) changedAt!: string;
}

export class DeploymentRevisionResource {
  @ApiProperty({ example: 7 }) revision!: number;
  @ApiPropertyOptional({ example: '2' }) champion?: string | undefined;
  @ApiProperty({ type: 'array', items: { type: 'object' }, example: [{ version: '3', share: 0.1 }] }) challengers!: { version: string; share: number }[];
  @ApiProperty({ type: [String] }) shadows!: string[];
  @ApiPropertyOptional({ type: String, example: 'spring' }) splitSalt?: string | undefined;
  @ApiPropertyOptional({ type: Number, example: 256 }) maxBatchSize?: number | undefined;
  @ApiPropertyOptional(policyField('batching')) batching?: ServingPolicy['batching'];
  @ApiPropertyOptional(policyField('latencyBudgetMs')) latencyBudgetMs?: ServingPolicy['latencyBudgetMs'];
  @ApiPropertyOptional(policyField('breaker')) breaker?: ServingPolicy['breaker'];
  @ApiPropertyOptional(policyField('requestTopics')) requestTopics?: ServingPolicy['requestTopics'];
  @ApiPropertyOptional(policyField('fallbacks')) fallbacks?: ServingPolicy['fallbacks'];
  @ApiProperty({ example: 'ada@example.org' }) author!: string;
  @ApiPropertyOptional({ type: String, nullable: true, example: 'better AUC on May' }) reason!: string | null;
  @ApiProperty(INSTANT) decidedAt!: string;
}

export class AuditResource {
  @ApiProperty({ example: '42' }) id!: string;
  @ApiProperty(INSTANT) at!: string;
  @ApiProperty({ example: 'ada@example.org' }) actor!: string;
  @ApiProperty({ example: 'alias.moved' }) action!: string;
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ type: 'object', additionalProperties: true }) detail!: Record<string, unknown>;
}

export const toModel = ({ name, latestVersion, aliases, revision, createdAt }: ListedModel): ModelResource => ({
  name, ...(latestVersion === null ? {} : { latestVersion: String(latestVersion) }), revision, createdAt: createdAt.toISOString(),
  aliases: Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [alias, String(version)])),
});

export const toVersion = ({ model, version, format, artifactSha256, uploadDigest, sizeBytes, signature, metadata, hasBaseline, golden, artifactSignature, createdAt }: VersionRow, { overrides, archivedAt }: VersionRecord = NO_RECORD): VersionResource => ({
  model, version: String(version), format, artifactSha256, uploadDigest, sizeBytes, signature, metadata, hasBaseline, missingLineage: missingLineage(format, metadata),
  overrides: overrides.map(({ author, reason, at }) => ({ author, reason, at: at.toISOString() })), archivedAt: archivedAt?.toISOString(),
  golden: golden ?? undefined, artifactSignature: artifactSignature ?? undefined, createdAt: createdAt.toISOString(),
});

export const toAlias = ({ model, alias, version, author, reason, changedAt }: AliasRow): AliasResource => ({
  model, alias, version: String(version), author, reason, changedAt: changedAt.toISOString(),
});

export const toAliasChange = ({ fromVersion, toVersion: to, author, reason, changedAt }: AliasChangeRow): AliasChangeResource => ({
  from: text(fromVersion), to: text(to), author, reason, changedAt: changedAt.toISOString(),
});

export const toRevision = ({ revision, assignment, author, reason, decidedAt }: DeploymentRow): DeploymentRevisionResource => ({
  ...assignment,
  revision,
  champion: text(assignment.champion ?? null) ?? undefined,
  challengers: assignment.challengers.map(({ version, share }) => ({ version: String(version), share })),
  shadows: assignment.shadows.map(String),
  author, reason, decidedAt: decidedAt.toISOString(),
});

export const toAuditLine = ({ id, at, actor, action, model, detail }: AuditRow): AuditResource => ({ id, at: at.toISOString(), actor, action, model, detail });

const text = (version: number | null): string | null => (version === null ? null : String(version));
