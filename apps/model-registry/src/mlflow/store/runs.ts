import { ContractError } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { latestOf, numberToJson, type Metric } from '../domain/metrics.js';
import type { LifecycleStage, Texts } from './experiments.js';

/** In the order of their numbers in Protocol Buffers. */
export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A data set that a run has read, as MLflow describes it, with its tags (such as its context). */
export interface DatasetInput {
  readonly dataset: { readonly name: string; readonly digest: string; readonly source_type: string; readonly source: string; readonly schema?: string; readonly profile?: string };
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

export interface ModelOutput {
  readonly model_id: string;
  readonly step?: number;
}

export interface Run {
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startTimeMs: number;
  readonly endTimeMs: number | undefined;
  readonly stage: LifecycleStage;
  readonly params: Texts;
  readonly tags: Texts;
  /** The latest of each key. */
  readonly metrics: readonly Metric[];
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly { readonly model_id: string }[];
  readonly modelOutputs: readonly ModelOutput[];
}

export interface RunChange {
  readonly name?: string | undefined;
  readonly status?: RunStatus | undefined;
  readonly endTimeMs?: number | undefined;
  readonly stage?: LifecycleStage | undefined;
  readonly params?: Texts;
  readonly tags?: Texts;
  readonly metrics?: readonly Metric[];
  readonly datasets?: readonly DatasetInput[];
  readonly modelInputs?: readonly { readonly model_id: string }[];
  readonly modelOutputs?: readonly ModelOutput[];
}

type StoredMetric = Omit<Metric, 'value'> & { readonly value: number | string };
interface Row extends Omit<Run, 'startTimeMs' | 'endTimeMs' | 'metrics'> {
  readonly startTime: string;
  readonly endTime: string | null;
  readonly latestMetrics: Record<string, StoredMetric>;
}

const COLUMNS = `run_id AS "runId", experiment_id AS "experimentId", name, user_id AS "userId", status, start_time AS "startTime", end_time AS "endTime", stage, params, tags,
  latest_metrics AS "latestMetrics", datasets, model_inputs AS "modelInputs", model_outputs AS "modelOutputs"`;
/** A search looks at as many of the newest runs. */
const MAX_SEARCHED_RUNS = 50_000;

/** Runs with their parameters, tags, metrics and what they read and made. */
export class RunStore {
  constructor(private readonly dataSource: DataSource) {}

  async create(run: Pick<Run, 'runId' | 'experimentId' | 'name' | 'userId' | 'startTimeMs' | 'tags'>): Promise<Run> {
    await query(this.dataSource, "INSERT INTO mlflow_runs (run_id, experiment_id, name, user_id, status, start_time, tags) VALUES ($1, $2, $3, $4, 'RUNNING', $5, $6)", [run.runId, run.experimentId, run.name, run.userId, run.startTimeMs, JSON.stringify(run.tags)]);
    return this.get(run.runId);
  }

  /** @throws ContractError `not_found` */
  async get(runId: string): Promise<Run> {
    return (await this.find(runId)) ?? refuseUnknown(runId);
  }

  async find(runId: string): Promise<Run | undefined> {
    const [row] = await query<Row>(this.dataSource, `SELECT ${COLUMNS} FROM mlflow_runs WHERE run_id = $1`, [runId]);
    return row === undefined ? undefined : toRun(row);
  }

  /** Newest first. */
  async list(experimentIds: readonly string[]): Promise<Run[]> {
    const rows = await query<Row>(this.dataSource, `SELECT ${COLUMNS} FROM mlflow_runs WHERE experiment_id::text = ANY($1) ORDER BY start_time DESC, run_id LIMIT ${MAX_SEARCHED_RUNS}`, [experimentIds]);
    return rows.map(toRun);
  }

  /**
   * Applies a change, all of it or nothing.
   *
   * @throws ContractError `not_found`; `invalid_request` for a parameter that has another value already
   */
  change(runId: string, change: RunChange): Promise<Run> {
    return inTransaction(this.dataSource, async (manager) => {
      const [row] = await manager.query<Row[]>(`SELECT ${COLUMNS} FROM mlflow_runs WHERE run_id = $1 FOR UPDATE`, [runId]);
      if (row === undefined) return refuseUnknown(runId);
      const run = toRun(row);
      if (run.stage === 'deleted' && change.stage === undefined) throw new ContractError('invalid_request', `The run ${runId} must be in the 'active' state. Current state is deleted.`, { cure: 'Restore it first.' });
      refuseChangedParams(run, change.params ?? {});
      if (change.metrics !== undefined) await addMetrics(manager, runId, change.metrics);
      await write(manager, apply(run, change));
      return apply(run, change);
    });
  }

  async removeTag(runId: string, key: string): Promise<void> {
    const run = await this.get(runId);
    if (!Object.hasOwn(run.tags, key)) throw new ContractError('not_found', `No tag with name: ${key} in run with id ${runId}`, { cure: 'List the run’s tags.' });
    await query(this.dataSource, 'UPDATE mlflow_runs SET tags = tags - $2 WHERE run_id = $1', [runId, key]);
  }

  /** In the order in which they were logged. A point that was logged again, of a model, is one point of the run. */
  metricHistory(runId: string, key: string, offset: number, limit: number): Promise<Metric[]> {
    const first = 'SELECT min(id) FROM mlflow_metrics WHERE run_id = $1 AND key = $2 GROUP BY step, timestamp, value';
    return this.selectMetrics(`id IN (${first}) ORDER BY id OFFSET $3 LIMIT $4`, [runId, key, offset, limit]);
  }

  /** Metrics that were logged of a model, whichever run did it. */
  metricsOfModels(modelIds: readonly string[]): Promise<(Metric & { runId: string })[]> {
    return this.selectMetrics('model_id = ANY($1) ORDER BY id', [modelIds]);
  }

  private async selectMetrics(where: string, parameters: unknown[]): Promise<(Metric & { runId: string })[]> {
    const rows = await query<{ runId: string; key: string; value: number; timestamp: string; step: string; modelId: string | null; datasetName: string | null; datasetDigest: string | null }>(this.dataSource, `
      SELECT run_id AS "runId", key, value, timestamp, step, model_id AS "modelId", dataset_name AS "datasetName", dataset_digest AS "datasetDigest" FROM mlflow_metrics WHERE ${where}`, parameters);
    return rows.map((row) => ({
      runId: row.runId, key: row.key, value: Number(row.value), timestampMs: Number(row.timestamp), step: Number(row.step),
      modelId: row.modelId ?? undefined, datasetName: row.datasetName ?? undefined, datasetDigest: row.datasetDigest ?? undefined,
    }));
  }
}

const apply = (run: Run, change: RunChange): Run => ({
  ...run,
  name: change.name ?? run.name,
  status: change.status ?? run.status,
  endTimeMs: change.endTimeMs ?? run.endTimeMs,
  stage: change.stage ?? run.stage,
  params: { ...run.params, ...change.params },
  tags: { ...run.tags, ...change.tags },
  metrics: [...latestOf([...run.metrics, ...(change.metrics ?? [])]).values()],
  datasets: merge(run.datasets, change.datasets, ({ dataset }) => `${dataset.name}\n${dataset.digest}`),
  modelInputs: merge(run.modelInputs, change.modelInputs, ({ model_id: id }) => id),
  modelOutputs: merge(run.modelOutputs, change.modelOutputs, ({ model_id: id }) => id),
});

function merge<T>(known: readonly T[], added: readonly T[] = [], identity: (one: T) => string): T[] {
  return [...new Map([...known, ...added].map((one) => [identity(one), one])).values()];
}

async function write(manager: EntityManager, run: Run): Promise<void> {
  const latest = Object.fromEntries(run.metrics.map((metric): [string, StoredMetric] => [metric.key, { ...metric, value: numberToJson(metric.value) }]));
  const json = [run.params, run.tags, latest, run.datasets, run.modelInputs, run.modelOutputs].map((one) => JSON.stringify(one));
  await manager.query(`
    UPDATE mlflow_runs SET name = $2, status = $3, end_time = $4, stage = $5, params = $6, tags = $7, latest_metrics = $8, datasets = $9, model_inputs = $10, model_outputs = $11
    WHERE run_id = $1`, [run.runId, run.name, run.status, run.endTimeMs ?? null, run.stage, ...json]);
}

/** The same point again, as after a lost answer, is one point. */
async function addMetrics(manager: EntityManager, runId: string, metrics: readonly Metric[]): Promise<void> {
  const columns = [
    metrics.map(({ key }) => key), metrics.map(({ value }) => value), metrics.map(({ timestampMs }) => timestampMs), metrics.map(({ step }) => step),
    metrics.map(({ modelId }) => modelId ?? null), metrics.map(({ datasetName }) => datasetName ?? null), metrics.map(({ datasetDigest }) => datasetDigest ?? null),
  ];
  await manager.query(`
    INSERT INTO mlflow_metrics (run_id, key, value, timestamp, step, model_id, dataset_name, dataset_digest)
    SELECT $1, * FROM unnest($2::text[], $3::double precision[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[]) ON CONFLICT DO NOTHING`, [runId, ...columns]);
}

/** What a run was started with is a fact. */
function refuseChangedParams({ runId, params: known }: Run, params: Texts): void {
  const changed = Object.keys(params).find((key) => Object.hasOwn(known, key) && known[key] !== params[key]);
  if (changed === undefined) return;
  throw new ContractError('invalid_request', `Changing param values is not allowed. Param with key='${changed}' was already logged with value='${known[changed]?.slice(0, 100)}' for run ID='${runId}'.`, { cure: 'Start another run.' });
}

function toRun({ startTime, endTime, latestMetrics, ...row }: Row): Run {
  return {
    ...row, experimentId: String(row.experimentId), startTimeMs: Number(startTime), endTimeMs: endTime === null ? undefined : Number(endTime),
    metrics: Object.values(latestMetrics).map((metric) => ({ ...metric, value: Number(metric.value) })),
  };
}

function refuseUnknown(runId: string): never {
  throw new ContractError('not_found', `Run with id=${runId.slice(0, 60)} not found`, { cure: 'Search the runs for the one you mean.' });
}
