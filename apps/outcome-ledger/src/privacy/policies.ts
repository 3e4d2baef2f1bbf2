import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Event, ModelDeployment, PrivacyPolicy } from '@throughline/contracts';
import { query } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import type { PredictionRecord } from '../domain/prediction.js';
import { ServedVersions } from '../store/served-versions.js';
import { hashOf, type HashKey } from './domain/hashing.js';
import { treatText, withhold, type Hash } from './domain/withhold.js';
import { HashKeys } from './hash-keys.js';

interface InForce {
  readonly revision: number;
  readonly policy: PrivacyPolicy;
}

/** A prediction may overtake the deployment that it was made under; a worker reads both from the same brokers. */
const WAIT_MS = 2_000;

const UPSERT = `INSERT INTO privacy_policy (model, revision, policy) VALUES ($1, $2, $3) ON CONFLICT (model) DO UPDATE SET revision = excluded.revision, policy = excluded.policy
  WHERE privacy_policy.revision < excluded.revision`;

/** Which fields of a model's predictions are hashed or left out, applied before anything is written. */
@Injectable()
export class PrivacyPolicies implements OnModuleInit {
  private readonly byModel = new Map<string, InForce>();
  private readonly warned = new Set<string>();
  /** Revisions that were waited for in vain, by model. */
  private readonly abandoned = new Map<string, number>();
  /** Resolves when the next deployment has been learned. */
  private learned = Promise.withResolvers<void>();

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(HashKeys) private readonly keys: HashKeys,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onModuleInit(): Promise<void> {
    const rows = await query<{ model: string; revision: string; policy: PrivacyPolicy }>(this.dataSource, 'SELECT model, revision, policy FROM privacy_policy');
    for (const { model, revision, policy } of rows) this.remember(model, { revision: Number(revision), policy });
  }

  async learn({ model, revision, privacy = {} }: ModelDeployment): Promise<void> {
    if (revision <= (this.byModel.get(model)?.revision ?? 0)) return;
    await query(this.dataSource, UPSERT, [model, revision, JSON.stringify(privacy)]);
    this.remember(model, { revision, policy: privacy });
  }

  /** The records as they may be written. */
  async withhold(records: readonly PredictionRecord[]): Promise<readonly PredictionRecord[]> {
    await this.catchUp(records);
    if (!records.some(({ model }) => this.policyOf(model) !== undefined)) return records;
    return Promise.all(records.map((record) => this.withholdOne(record)));
  }

  /** An outcome names an entity as it was asked about; its prediction may be found only by a hash. */
  withholdKey(event: Event<'outcome.observed.v1'>): Event<'outcome.observed.v1'> {
    const { correlationKey: key } = event.data;
    const treatment = key === undefined ? undefined : this.policyOf(key.model)?.entities?.[key.entityRole];
    if (key === undefined || treatment === undefined) return event;
    // Of an entity that is left out no prediction is found; its outcomes are told apart all the same.
    const entityId = treatText(key.entityId, treatment, this.hash()) ?? hashOf(this.keys.local(), key.entityId);
    return { ...event, data: { ...event.data, correlationKey: { ...key, entityId } } };
  }

  private async withholdOne(record: PredictionRecord): Promise<PredictionRecord> {
    const policy = this.policyOf(record.model);
    if (policy === undefined) return record;
    const { answer, model, version } = record;
    const isFeatures = policy.features !== undefined && answer !== undefined && version !== undefined;
    const entry = isFeatures ? await this.servedVersions.entryOf({ model, version, artifactSha256: answer.artifactSha256 }) : undefined;
    return withhold(record, policy, entry?.signature?.features, this.hash());
  }

  private hash(): Hash {
    const key: HashKey | undefined = this.keys.current();
    return key === undefined ? undefined : (text) => hashOf(key, text);
  }

  private policyOf(model: string): PrivacyPolicy | undefined {
    const policy = this.byModel.get(model)?.policy;
    return policy === undefined || Object.keys(policy).length === 0 ? undefined : policy;
  }

  private remember(model: string, inForce: InForce): void {
    if ((this.byModel.get(model)?.revision ?? 0) > inForce.revision) return;
    this.byModel.set(model, inForce);
    this.learned.resolve();
    this.learned = Promise.withResolvers();
    if (this.keys.current() !== undefined || this.warned.has(model) || !JSON.stringify(inForce.policy).includes('"hash"')) return;
    this.warned.add(model);
    this.logger.warn({ model }, 'the privacy policy hashes fields, but LEDGER_HASH_KEY is not set: they are left out instead');
  }

  /** Waits until the deployments are known that these predictions were made under, for one of them may say what is not to be written. */
  private async catchUp(records: readonly PredictionRecord[]): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS;
    for (let late = this.behind(records); late.length > 0; late = this.behind(records)) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return this.giveUpOn(late);
      await Promise.race([this.learned.promise, setTimeout(leftMs, undefined, { ref: false })]);
    }
  }

  private behind(records: readonly PredictionRecord[]): PredictionRecord[] {
    return records.filter((record) => {
      // A model that nobody has heard of may have a policy from its first revision on.
      const known = this.byModel.get(record.model)?.revision ?? 0;
      return revisionOf(record) > Math.max(known, this.abandoned.get(record.model) ?? 0);
    });
  }

  /** Waited for once: a topic that lost a deployment would else slow every batch. */
  private giveUpOn(late: readonly PredictionRecord[]): void {
    for (const record of late) this.abandoned.set(record.model, Math.max(revisionOf(record), this.abandoned.get(record.model) ?? 0));
    const models = [...new Set(late.map(({ model }) => model))];
    this.logger.warn({ models }, 'predictions of deployments that have not been seen are taken in under the privacy policy known before');
  }
}

const revisionOf = ({ answer, rejection }: PredictionRecord): number => (answer ?? rejection)?.assignmentRevision ?? 0;
