import { Inject, Injectable } from '@nestjs/common';
import { ContractError, toContractError, type ModelSignature } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import { storable } from '@throughline/db';
import { expiryOf } from '../retention/retired-days.js';
import { ArchivedVersions } from './archived-versions.js';
import { Artifacts } from './artifacts.js';
import { compareOutputs, scoreIn, type Difference, type OutputValuesOfRow } from './domain/compare.js';
import { isComputable, planRecomputation, type Computable } from './domain/plan.js';
import { ModelChild } from './model-child.js';
import type { RunResult } from './protocol.js';

/** How a recomputation can end. */
export const RECOMPUTE_STATUSES = ['equal', 'different', 'withheld', 'erased', 'expired', 'not_computed', 'rejected', 'artifact_unavailable', 'failed'] as const;
export type RecomputeStatus = (typeof RECOMPUTE_STATUSES)[number];

/** What came of computing an answer again. */
export interface Recomputation {
  readonly predictionId: string;
  readonly status: RecomputeStatus;
  /** In a sentence. */
  readonly explanation: string;
  readonly model?: string;
  readonly version?: string;
  readonly artifactSha256?: string;
  /** What computed the answer, what has computed it again, and whether the two are the same; `null`: nobody wrote down what computed the answer. */
  readonly runtime?: { readonly served: string | null; readonly here: string; readonly differs: boolean | null };
  /** Rows of the run in which it was answered; here it is alone, and doubled as a lone row always is. */
  readonly servedBatchSize?: number;
  readonly valuesCompared?: number;
  readonly differenceCount?: number;
  /** The first of them. */
  readonly differences?: readonly Difference[];
  /** Where the score on record is not the one that the outputs give. */
  readonly score?: { readonly stored: number | null; readonly recomputed: number | null };
  readonly computeMs?: number;
}

const MAX_DIFFERENCES = 100;

/** Computes answers again, from the features and by the artifact that they were computed from, and compares bit for bit. */
@Injectable()
export class Recomputations {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Artifacts) private readonly artifacts: Artifacts,
    @Inject(ArchivedVersions) private readonly archived: ArchivedVersions,
    @Inject(ModelChild) private readonly child: ModelChild,
  ) {}

  onModuleDestroy(): void {
    this.child.close();
  }

  /** @throws ContractError `not_found` for an id that the ledger does not know, `unavailable` when the registry does not answer, `overloaded` when too many wait */
  async recompute(predictionId: string): Promise<Recomputation> {
    const [key] = await query<{ day: string | null; state: string }>(this.dataSource, 'SELECT day::text, state FROM prediction_key WHERE prediction_id = $1', [predictionId]);
    if (key === undefined || key.day === null) throw new ContractError('not_found', `the ledger has no prediction ${predictionId}`);
    const [row] = await query<AnswerRow>(this.dataSource, ANSWER, [predictionId, key.day]);
    if (row === undefined) return { predictionId, status: 'expired', explanation: await this.whyGone(key.day) };
    const known = { predictionId, ...identityOf(row) };
    const plan = planRecomputation(onRecord(row));
    return isComputable(plan) ? { ...known, ...(await this.compute(row, plan)) } : { ...known, ...plan };
  }

  private async whyGone(day: string): Promise<string> {
    const { expiredAt } = await expiryOf(this.dataSource.manager, day);
    return expiredAt === null ? `its row has vanished: its day, ${day}, was not dropped` : 'its row is kept no longer';
  }

  private async compute(row: AnswerRow, plan: Computable): Promise<Omit<Recomputation, 'predictionId'>> {
    const unavailable = (explanation: string) => ({ status: 'artifact_unavailable' as const, explanation });
    try {
      const signature = row.signature ?? (await this.archived.signatureOf(row.model, row.version ?? '', plan.artifactSha256));
      if (signature === undefined) return unavailable(`neither the ledger nor the registry knows the signature of version ${row.version}`);
      const path = await this.artifacts.get(plan.artifactSha256);
      const result = await this.child.run({ path, sha256: plan.artifactSha256, signature, values: plan.values });
      return judge(row, signature, plan, result);
    } catch (thrown) {
      const error = toContractError(thrown);
      if (error.code === 'artifact_hash_mismatch') return unavailable(error.message);
      if (error.code === 'not_found') return unavailable(await this.archived.whereIs(row.model, row.version ?? '', plan.artifactSha256));
      if (error.retriable || error.code === 'internal') throw error;
      return { status: row.is_withheld === true ? 'withheld' : 'failed', explanation: `${error.code}: ${error.message}` };
    }
  }
}

function judge(row: AnswerRow, signature: ModelSignature, { outputs: stored }: Computable, { outputs, runtime, computeMs }: RunResult): Omit<Recomputation, 'predictionId'> {
  const asStored = storable(outputs) as OutputValuesOfRow[];
  const { compared, differences } = compareOutputs(stored, asStored);
  const score = scoreIn(asStored, signature.score);
  const isScoreSame = (score ?? null) === row.score;
  const differs = row.runtime === null ? null : row.runtime !== runtime;
  const common = {
    runtime: { served: row.runtime, here: runtime, differs }, servedBatchSize: Number(row.batch_size), valuesCompared: compared, differenceCount: differences.length, computeMs,
    ...(isScoreSame ? {} : { score: { stored: row.score, recomputed: score ?? null } }),
  };
  if (differences.length === 0 && isScoreSame) return { status: 'equal', explanation: `computed again, ${compared === 1 ? 'its one value has' : `all ${compared} values have`} the same bits`, ...common };
  // Hashed values are no nulls: that they are not the model's own shows here.
  if (row.is_withheld === true) return { status: 'withheld', explanation: 'the model’s privacy policy has changed values before they were written down' };
  return { status: 'different', explanation: differenceText(differences.length, compared, isScoreSame, differs), ...common, differences: differences.slice(0, MAX_DIFFERENCES) };
}

function differenceText(different: number, compared: number, isScoreSame: boolean, runtimeDiffers: boolean | null): string {
  const what = different === 0 ? 'the outputs have the same bits, the score on record is not theirs' : `${different} of ${compared} values ${different === 1 ? 'is another one' : 'are others'}${isScoreSame ? '' : ', and so is the score'}`;
  if (runtimeDiffers === true) return `${what}; another runtime computes here than computed the answer`;
  return runtimeDiffers === null ? `${what}; nobody wrote down what computed the answer` : `${what}, although the same runtime computes here: what is stored is not what was served`;
}

const identityOf = (row: AnswerRow): Pick<Recomputation, 'model' | 'version' | 'artifactSha256'> => ({
  ...(row.model === '' ? {} : { model: row.model }), ...(row.version === null ? {} : { version: row.version }), ...(row.artifact_sha256 === null ? {} : { artifactSha256: row.artifact_sha256 }),
});

const onRecord = (row: AnswerRow) => ({
  state: row.state, fallbackKind: row.fallback_kind, isWithheld: row.is_withheld === true, erasedAt: row.erased_at, outputs: row.outputs,
  features: row.features === null ? null : unpackFeatures({ dtype: row.feature_dtype as FeatureDtype, bytes: row.features, extras: row.feature_extras ?? undefined }),
  artifactSha256: row.artifact_sha256 ?? undefined, signature: row.signature ?? undefined,
});

const ANSWER = `SELECT p.state, p.model, p.version, p.fallback_kind, p.is_withheld, p.erased_at, p.features, p.feature_dtype, p.feature_extras, p.outputs, p.score, p.batch_size, p.runtime,
  v.artifact_sha256, v.signature FROM prediction p LEFT JOIN served_version v ON v.id = p.served_version_id WHERE p.prediction_id = $1 AND p.day = $2`;

interface AnswerRow {
  readonly state: string;
  readonly model: string;
  readonly version: string | null;
  readonly fallback_kind: string | null;
  readonly is_withheld: boolean | null;
  readonly erased_at: Date | null;
  readonly features: Buffer | null;
  readonly feature_dtype: number | null;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly outputs: Record<string, unknown> | null;
  readonly score: number | null;
  readonly batch_size: string | null;
  readonly runtime: string | null;
  readonly artifact_sha256: string | null;
  readonly signature: ModelSignature | null;
}
