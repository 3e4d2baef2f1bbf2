import { Inject, Injectable } from '@nestjs/common';
import type { FeatureSpec, LatencyBudget, ModelDeployment, MonitoringPolicy, ServedVersion } from '@throughline/contracts';
import { query } from '@throughline/db';
import type { ProfileSet } from '@throughline/stats';
import { DataSource } from 'typeorm';
import { SETTINGS, type DriftMonitorSettings } from '../config.js';
import type { Baseline } from '../domain/baseline.js';
import { monitoringInForce, type Monitoring } from '../domain/monitoring.js';

interface Row {
  readonly feature_names: string[];
  readonly is_classifier: boolean;
  readonly metrics: Record<string, number>;
  readonly profile: ProfileSet | null;
}

/** What versions are held against. Kept, because a deployment names only the versions of today and outcomes come later. */
@Injectable()
export class Baselines {
  private readonly known = new Map<string, Baseline>();
  /** Of deployments in force, which are read anew at every start. */
  private readonly budgets = new Map<string, LatencyBudget>();
  private readonly policies = new Map<string, MonitoringPolicy>();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource, @Inject(SETTINGS) private readonly settings: DriftMonitorSettings) {}

  async learn({ model, champion, challengers, shadows, latencyBudgetMs = {}, monitoring = {} }: ModelDeployment): Promise<void> {
    this.budgets.set(model, latencyBudgetMs);
    this.policies.set(model, monitoring);
    for (const version of [champion, ...challengers, ...shadows]) if (version !== undefined) await this.keep(model, version);
  }

  /** Whether the model was ever deployed. */
  knows(model: string): boolean {
    return this.budgets.has(model);
  }

  /** What its deployment allows each stage. */
  budgetOf(model: string): LatencyBudget {
    return this.budgets.get(model) ?? {};
  }

  /** How the model is watched. */
  monitoringOf(model: string): Monitoring {
    return monitoringInForce(this.policies.get(model) ?? {}, this.settings.DRIFT_WINDOW_SECONDS);
  }

  /** `undefined` for a version that was never announced. */
  async of(model: string, version: string): Promise<Baseline | undefined> {
    const key = `${model}\n${version}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const [row] = await query<Row>(this.dataSource, 'SELECT feature_names, is_classifier, metrics, profile FROM baseline WHERE model = $1 AND version = $2', [model, version]);
    if (row === undefined) return undefined;
    const baseline = { featureNames: row.feature_names, isClassifier: row.is_classifier, metrics: row.metrics, profile: row.profile ?? undefined };
    this.known.set(key, baseline);
    return baseline;
  }

  private async keep(model: string, { version, signature, metrics = {}, baselineProfile }: ServedVersion): Promise<void> {
    await query(
      this.dataSource,
      `INSERT INTO baseline (model, version, feature_names, is_classifier, metrics, profile) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (model, version) DO UPDATE SET metrics = excluded.metrics, profile = excluded.profile`,
      [
        model, version, JSON.stringify(signature.features.map(({ name }) => name)), signature.task === 'binary_classification', JSON.stringify(metrics),
        baselineProfile === undefined ? null : JSON.stringify(monitoredPart(baselineProfile as ProfileSet, signature.features)),
      ],
    );
    this.known.delete(`${model}\n${version}`);
  }
}

/** What varies by design is in no window as it is in the baseline, and would alarm for ever. */
function monitoredPart(profile: ProfileSet, features: readonly FeatureSpec[]): ProfileSet {
  const unmonitored = new Set(features.filter(({ monitored }) => monitored === false).map(({ name }) => name));
  return { ...profile, features: Object.fromEntries(Object.entries(profile.features).filter(([name]) => !unmonitored.has(name))) };
}
