import { numberToJson, type Metric } from '../domain/metrics.js';
import { artifactUri, loggedModelFolder, runFolder } from '../domain/paths.js';
import type { Experiment, Texts } from '../store/experiments.js';
import type { LoggedModel } from '../store/logged-models.js';
import type { RegisteredModel, RegisteredVersion } from '../store/registered.js';
import type { Run } from '../store/runs.js';

/** What the registry keeps, as MLflow's clients read it. */
export const toExperiment = ({ id, name, stage, tags, createdAtMs, updatedAtMs }: Experiment): object => ({
  experiment_id: id, name, artifact_location: artifactUri(id), lifecycle_stage: stage, creation_time: createdAtMs, last_update_time: updatedAtMs, tags: keyValues(tags),
});

export const toRunInfo = ({ runId, name, experimentId, userId, status, startTimeMs, endTimeMs, stage }: Run): object => ({
  run_id: runId, run_uuid: runId, run_name: name, experiment_id: experimentId, user_id: userId, status, start_time: startTimeMs,
  ...(endTimeMs === undefined ? {} : { end_time: endTimeMs }), artifact_uri: artifactUri(runFolder(experimentId, runId)), lifecycle_stage: stage,
});

export const toRun = (run: Run): object => ({
  info: toRunInfo(run),
  data: { metrics: run.metrics.map((metric) => toMetric(metric)), params: keyValues(run.params), tags: keyValues(run.tags) },
  inputs: { dataset_inputs: run.datasets, model_inputs: run.modelInputs },
  outputs: { model_outputs: run.modelOutputs },
});

export const toMetric = ({ key, value, timestampMs, step, modelId, datasetName, datasetDigest }: Metric, runId?: string): object => ({
  key, value: numberToJson(value), timestamp: timestampMs, step,
  ...(modelId === undefined ? {} : { model_id: modelId }), ...(datasetName === undefined ? {} : { dataset_name: datasetName }),
  ...(datasetDigest === undefined ? {} : { dataset_digest: datasetDigest }), ...(runId === undefined ? {} : { run_id: runId }),
});

export const toLoggedModel = (model: LoggedModel, metrics: readonly (Metric & { runId: string })[]): object => ({
  info: {
    model_id: model.modelId, experiment_id: model.experimentId, name: model.name, creation_timestamp_ms: model.createdAtMs, last_updated_timestamp_ms: model.updatedAtMs,
    artifact_uri: artifactUri(loggedModelFolder(model.experimentId, model.modelId)), status: model.status,
    ...(model.modelType === undefined ? {} : { model_type: model.modelType }), ...(model.runId === undefined ? {} : { source_run_id: model.runId }), tags: keyValues(model.tags),
  },
  data: { params: keyValues(model.params), metrics: metrics.map((metric) => toMetric(metric, metric.runId)) },
});

export const toRegisteredModel = (model: RegisteredModel, latest: readonly RegisteredVersion[]): object => ({
  name: model.name, creation_timestamp: model.createdAtMs, last_updated_timestamp: model.updatedAtMs, description: model.description, tags: keyValues(model.tags),
  aliases: Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) })),
  latest_versions: latest.map(toModelVersion),
});

export const toModelVersion = (version: RegisteredVersion): object => ({
  name: version.model, version: String(version.version), creation_timestamp: version.createdAtMs, last_updated_timestamp: version.updatedAtMs, user_id: version.userId,
  current_stage: version.stage, description: version.description, source: version.source ?? '', status: 'READY',
  ...(version.runId === undefined ? {} : { run_id: version.runId }), ...(version.runLink === undefined ? {} : { run_link: version.runLink }), ...(version.modelId === undefined ? {} : { model_id: version.modelId }),
  tags: keyValues(version.tags), aliases: version.aliases,
  model_params: Object.entries(version.metadata.hyperparameters ?? {}).map(([name, value]) => ({ name, value: typeof value === 'string' ? value : JSON.stringify(value) })),
  model_metrics: Object.entries(version.metadata.metrics ?? {}).map(([key, value]) => ({ key, value, timestamp: version.createdAtMs, step: 0 })),
});

const keyValues = (texts: Texts): { key: string; value: string }[] => Object.entries(texts).map(([key, value]) => ({ key, value }));
