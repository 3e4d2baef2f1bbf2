import type { FeatureSpec } from '@throughline/contracts';
import type { DataSource } from 'typeorm';
import type { ExportRow } from '../domain/export.js';
import type { OutcomeReading } from '../outcomes/domain/declaration.js';
import type { Declarations } from '../outcomes/store/declarations.js';
import type { ServedVersions } from '../store/served-versions.js';
import type { Candidate, Candidates } from './candidates.js';
import { clusterOf } from './domain/clusters.js';
import { backtestRow } from './domain/columns.js';
import type { Stratum } from './domain/arms.js';
import { mapFeatures, valuesOf, type FeatureMap } from './domain/features-by-name.js';
import { decisionOf, measureFor, type JudgedRow, type Measure } from './domain/judged-row.js';
import { BacktestTally, type BacktestReport } from './domain/tally.js';
import { answeredBy, pagesOf, type PastRow, type Period } from './past.js';
import type { Row } from './scoring/protocol.js';
import { ScoringChild, type ScoringLimits } from './scoring/scoring-child.js';
import { sharingVersions, strataOf, versionsOf, type PastVersion } from './versions-of-period.js';

export interface RunOptions extends Period {
  readonly candidate: Candidate;
  readonly threshold: number | undefined;
  readonly limit: number;
}

export interface RunParts {
  readonly dataSource: DataSource;
  readonly dictionary: ServedVersions;
  readonly declarations: Declarations;
  readonly candidates: Candidates;
  readonly limits: ScoringLimits;
}

const CANDIDATE = 'candidate';
/** Arms that are asked beside the candidate; beyond them only answers of the candidate itself count. */
const MAX_ARMS = 6;

/** Scores a past period with a candidate, page by page. */
export class BacktestRun {
  private readonly maps = new Map<string, FeatureMap>();

  private constructor(
    private readonly parts: RunParts,
    private readonly options: RunOptions,
    private readonly child: ScoringChild,
    private readonly versions: ReadonlyMap<number, PastVersion>,
    private readonly strata: ReadonlyMap<number, Stratum>,
    private readonly arms: ReadonlyMap<string, PastVersion>,
    private readonly reading: OutcomeReading,
    private readonly measure: Measure,
    private readonly tally: BacktestTally,
    /** Predictions that will be read. */
    readonly total: number,
  ) {}

  /** @throws ContractError where the candidate cannot be loaded */
  static async open(parts: RunParts, options: RunOptions): Promise<BacktestRun> {
    const { candidate: { version, signature }, model, limit } = options;
    const answered = await answeredBy(parts.dataSource, options);
    const versions = await versionsOf(parts.dataSource, parts.dictionary, parts.declarations, model, answered);
    const child = new ScoringChild(parts.limits);
    try {
      await child.load(CANDIDATE, await parts.candidates.modelOf(options.candidate));
      const askable = await loadArms(parts, child, versions, sharingVersions(answered));
      const strata = strataOf(answered, versions, { version, features: signature.features }, new Set(askable.keys()));
      const reading: OutcomeReading = { task: signature.task, threshold: options.threshold ?? signature.score?.threshold, declared: parts.declarations.of(model) };
      const measure = measureFor(reading);
      const total = Math.min(limit, answered.reduce((sum, { predictions }) => sum + predictions, 0));
      return new BacktestRun(parts, options, child, versions, strata, new Map([...askable.values()].map((one) => [one.version, one])), reading, measure, new BacktestTally(measure, version), total);
    } catch (thrown) {
      child.close();
      throw thrown;
    }
  }

  /** @param onPage told after each page; what it throws ends the run */
  async *rows(onPage: (done: number) => Promise<void>): AsyncGenerator<ExportRow> {
    let done = 0;
    for await (const page of pagesOf(this.parts.dataSource, this.options, this.options.limit)) {
      yield* await this.score(page);
      await onPage((done += page.length));
    }
  }

  report(): BacktestReport {
    return this.tally.report();
  }

  /** Ends what scores, whatever it is doing. */
  close(): void {
    this.child.close();
  }

  private async score(page: readonly PastRow[]): Promise<ExportRow[]> {
    const own = await this.scoresOf(CANDIDATE, this.options.candidate.signature.features, page);
    const decisions = new Map<string, (boolean | undefined)[]>();
    const shared = page.map((row) => row.propensity !== null && this.strata.get(row.revision)?.logging === 'decisions');
    if (shared.includes(true)) for (const arm of this.arms.values()) decisions.set(arm.version, await this.decisionsOf(arm, page, shared));
    return page.map((row, index) => {
      const judged = this.judge(row, own[index]!);
      const weight = this.tally.add(judged, this.strata.get(row.revision), (version) => decisions.get(version)?.[index]);
      return backtestRow(row, judged, this.measure, weight);
    });
  }

  private judge(row: PastRow, score: number | Exclude<JudgedRow['candidate'], object>): JudgedRow {
    const past = this.versions.get(row.servedVersionId);
    return {
      cluster: clusterOf(row.routingKey, row.predictionId), revision: row.revision, version: row.version, role: row.role, isFallback: row.fallbackKind !== null, propensity: row.propensity ?? undefined,
      served: row.score === null || past === undefined ? undefined : { score: row.score, reading: past.reading },
      candidate: typeof score === 'number' ? { score, reading: this.reading } : score,
      truth: row.outcome ?? undefined, recordedValueMicroUsd: row.valueMicroUsd ?? undefined,
    };
  }

  private async decisionsOf(arm: PastVersion, page: readonly PastRow[], wanted: readonly boolean[]): Promise<(boolean | undefined)[]> {
    const scores = await this.scoresOf(armKey(arm), arm.features, page.map((row, index) => (wanted[index] && row.version !== arm.version ? row : undefined)));
    return scores.map((score, index) => {
      const real = page[index]!.version === arm.version ? page[index]!.score : score;
      return typeof real === 'number' ? decisionOf({ score: real, reading: arm.reading }) : undefined;
    });
  }

  /** Scores by row, or why there is none; of rows that are left out, nothing that counts. */
  private async scoresOf(key: string, features: readonly FeatureSpec[], page: readonly (PastRow | undefined)[]): Promise<(number | Exclude<JudgedRow['candidate'], object>)[]> {
    const prepared = page.map((row) => (row === undefined ? 'feature_missing' : row.isErased ? 'erased' : valuesOf(this.mapOf(key, row.servedVersionId, features), row.stored)));
    const rows = prepared.filter((one): one is Row & (number | string | boolean)[] => typeof one !== 'string');
    const scores = await this.child.score(key, rows);
    let next = 0;
    return prepared.map((one) => (typeof one === 'string' ? one : (scores[next++] ?? 'model_failed')));
  }

  private mapOf(key: string, servedVersionId: number, features: readonly FeatureSpec[]): FeatureMap {
    const name = `${key} ${servedVersionId}`;
    let map = this.maps.get(name);
    if (map === undefined) this.maps.set(name, (map = mapFeatures(this.versions.get(servedVersionId)?.features ?? [], features)));
    return map;
  }
}

const armKey = ({ known: { id } }: PastVersion): string => `arm ${id}`;

/** An arm that cannot be loaded is none that can be asked; the estimate then makes do without. */
async function loadArms({ candidates }: RunParts, child: ScoringChild, versions: ReadonlyMap<number, PastVersion>, wanted: ReadonlySet<number>): Promise<Map<number, PastVersion>> {
  const askable = new Map<number, PastVersion>();
  for (const id of [...wanted].slice(0, MAX_ARMS)) {
    const past = versions.get(id);
    if (past?.known.signature === undefined) continue;
    try {
      await child.load(armKey(past), await candidates.modelOf({ version: past.version, signature: past.known.signature, source: { artifactSha256: past.known.artifactSha256 } }));
      askable.set(id, past);
    } catch {
      continue;
    }
  }
  return askable;
}
