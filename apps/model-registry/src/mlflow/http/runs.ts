import { ContractError } from '@throughline/contracts';
import type { Metric } from '../domain/metrics.js';
import { artifactUri, runFolder } from '../domain/paths.js';
import { search, type Searched } from '../domain/search.js';
import type { ArtifactFolder } from '../store/artifact-folder.js';
import type { ExperimentStore } from '../store/experiments.js';
import { RUN_STATUSES, type DatasetInput, type Run, type RunStatus, type RunStore } from '../store/runs.js';
import type { Params } from './params.js';
import { toFiles } from './artifacts.js';
import { toMetric, toRun, toRunInfo } from './render.js';
import { NOTHING, route, type Route } from './route.js';
import { newId, stageFilter, stateOf, textsOf } from './shared.js';

const SEARCHABLE = {
  attributes: {
    run_id: 'text', run_name: 'text', 'run name': 'text', 'Run name': 'text', 'Run Name': 'text', user_id: 'text', status: 'text', artifact_uri: 'text', experiment_id: 'text', lifecycle_stage: 'text',
    start_time: 'number', end_time: 'number', created: 'number', Created: 'number',
  },
  entities: ['attribute', 'metric', 'param', 'tag', 'dataset'],
} as const;
const MAX_RESULTS = 50_000;
const DEFAULT_RESULTS = 1000;
const MAX_HISTORY = 25_000;
/** MLflow's own limits of a batch. */
const BATCH = { metrics: 1000, params: 100, tags: 100 } as const;
const CONTEXT_TAG = 'mlflow.data.context';

export interface RunRoutesUse {
  readonly runs: RunStore;
  readonly experiments: ExperimentStore;
  readonly folder: ArtifactFolder;
  readonly nowMs: () => number;
}

/** `runs/…`, `metrics/…`, `artifacts/…` */
export function runRoutes({ runs, experiments, folder, nowMs }: RunRoutesUse): Route[] {
  const change = async (params: Params, what: Parameters<RunStore['change']>[1]): Promise<object> => {
    await runs.change(idOf(params), what);
    return NOTHING;
  };
  return [
    route('POST', 'runs/create', async ({ params }) => {
      const { id: experimentId, stage } = await experiments.get(params.text('experiment_id') || '0');
      if (stage !== 'active') throw new ContractError('invalid_request', `The experiment ${experimentId} must be in the 'active' state. Current state is deleted.`, { cure: 'Restore it first.' });
      const tags = textsOf(params.keyValues('tags'));
      const runId = newId();
      const name = params.text('run_name') || tags['mlflow.runName'] || `run-${runId.slice(0, 8)}`;
      const start = { runId, experimentId, name, userId: params.text('user_id') ?? '', startTimeMs: params.integer('start_time') ?? nowMs(), tags: { ...tags, 'mlflow.runName': name } };
      return { run: toRun(await runs.create(start)) };
    }),
    route('GET', 'runs/get', async ({ params }) => ({ run: toRun(await runs.get(idOf(params))) })),
    route('POST', 'runs/update', async ({ params }) => {
      const name = params.text('run_name') || undefined;
      const run = await runs.change(idOf(params), { status: statusOf(params), endTimeMs: params.integer('end_time'), name, ...(name === undefined ? {} : { tags: { 'mlflow.runName': name } }) });
      return { run_info: toRunInfo(run) };
    }),
    route('POST', 'runs/delete', ({ params }) => change(params, { stage: 'deleted' })),
    route('POST', 'runs/restore', ({ params }) => change(params, { stage: 'active' })),
    route('POST', 'runs/search', async ({ params }) => searchRuns(runs, params)),
    route('POST', 'runs/log-parameter', ({ params }) => change(params, { params: textsOf([params.keyValue()]) })),
    route('POST', 'runs/log-metric', ({ params }) => change(params, { metrics: [readMetric(params, nowMs)] })),
    route('POST', 'runs/log-batch', ({ params }) => change(params, {
      metrics: params.objects('metrics', BATCH.metrics).map((metric) => readMetric(metric, nowMs)),
      params: textsOf(params.keyValues('params', BATCH.params)),
      tags: textsOf(params.keyValues('tags', BATCH.tags)),
    })),
    route('POST', 'runs/set-tag', ({ params }) => change(params, { tags: textsOf([params.keyValue()]) })),
    route('POST', 'runs/delete-tag', async ({ params }) => {
      await runs.removeTag(idOf(params), params.required('key'));
      return NOTHING;
    }),
    route('POST', 'runs/log-inputs', ({ params }) => change(params, { datasets: params.objects('datasets', 100).map(readDataset), modelInputs: readModels(params) })),
    route('POST', 'runs/outputs', ({ params }) => change(params, { modelOutputs: readModels(params) })),
    // What clients before version 3 say of a model; the files say it too.
    route('POST', 'runs/log-model', ({ params }) => change(params, {})),
    route('GET', 'metrics/get-history', async ({ params }) => {
      const { runId } = await runs.get(idOf(params));
      const limit = params.limit('max_results', MAX_HISTORY, MAX_HISTORY);
      const offset = Number(params.text('page_token') || '0');
      if (!Number.isSafeInteger(offset) || offset < 0) throw new ContractError('invalid_request', 'the page token is none of ours', { cure: 'Pass the token of the page before, unchanged.' });
      const metrics = await runs.metricHistory(runId, params.required('metric_key'), offset, limit + 1);
      return { metrics: metrics.slice(0, limit).map((metric) => toMetric(metric)), ...(metrics.length > limit ? { next_page_token: String(offset + limit) } : {}) };
    }),
    route('GET', 'artifacts/list', async ({ params }) => {
      const { experimentId, runId } = await runs.get(idOf(params));
      const root = runFolder(experimentId, runId);
      const path = params.text('path') ?? '';
      const files = toFiles(await folder.list(path === '' ? root : `${root}/${path}`));
      return { root_uri: artifactUri(root), files: files.map((file) => ({ ...file, path: path === '' ? file.path : `${path}/${file.path}` })) };
    }),
  ];
}

async function searchRuns(runs: RunStore, params: Params): Promise<object> {
  const isVisible = stageFilter(params.text('run_view_type'));
  const found = search((await runs.list(params.texts('experiment_ids'))).filter(({ stage }) => isVisible(stage)), lookAt, {
    filter: params.text('filter'), orderBy: params.texts('order_by'), maxResults: params.limit('max_results', DEFAULT_RESULTS, MAX_RESULTS), pageToken: params.text('page_token'),
  }, SEARCHABLE);
  return { runs: found.items.map(toRun), next_page_token: found.nextPageToken };
}

const lookAt = (run: Run): Searched => ({
  attributes: {
    run_id: run.runId, run_name: run.name, 'run name': run.name, 'Run name': run.name, 'Run Name': run.name, user_id: run.userId, status: run.status, experiment_id: run.experimentId, lifecycle_stage: run.stage,
    artifact_uri: artifactUri(runFolder(run.experimentId, run.runId)), start_time: run.startTimeMs, end_time: run.endTimeMs, created: run.startTimeMs, Created: run.startTimeMs,
  },
  metrics: Object.fromEntries(run.metrics.map(({ key, value }) => [key, value])),
  params: run.params,
  tags: run.tags,
  datasets: run.datasets.map(({ dataset, tags }) => ({ name: dataset.name, digest: dataset.digest, context: tags.find(({ key }) => key === CONTEXT_TAG)?.value })),
});

const idOf = (params: Params): string => params.text('run_id') || params.required('run_uuid');

/** Also by its number in Protocol Buffers. */
function statusOf(params: Params): RunStatus | undefined {
  const status = params.text('status');
  if (status === undefined || status === '') return undefined;
  return stateOf('status', status, RUN_STATUSES);
}

function keyOf(params: Params): string {
  params.key('key');
  return params.required('key');
}

function readMetric(params: Params, nowMs: () => number): Metric {
  return {
    key: keyOf(params), value: params.number('value'), timestampMs: params.integer('timestamp') ?? nowMs(), step: params.integer('step') ?? 0,
    modelId: params.key('model_id') || undefined, datasetName: params.text('dataset_name') || undefined, datasetDigest: params.text('dataset_digest') || undefined,
  };
}

function readDataset(params: Params): DatasetInput {
  const dataset = params.object('dataset');
  const schema = dataset.text('schema');
  const profile = dataset.text('profile');
  return {
    dataset: { name: dataset.required('name'), digest: dataset.required('digest'), source_type: dataset.text('source_type') ?? '', source: dataset.text('source') ?? '', ...(schema === undefined ? {} : { schema }), ...(profile === undefined ? {} : { profile }) },
    tags: params.keyValues('tags'),
  };
}

const readModels = (params: Params): { model_id: string; step: number }[] => params.objects('models', 100).map((model) => ({ model_id: model.required('model_id'), step: model.integer('step') ?? 0 }));
