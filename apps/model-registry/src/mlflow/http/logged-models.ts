import { latestOf, type Metric } from '../domain/metrics.js';
import { artifactUri, loggedModelFolder } from '../domain/paths.js';
import { search, type Searched } from '../domain/search.js';
import type { ArtifactFolder } from '../store/artifact-folder.js';
import type { ExperimentStore } from '../store/experiments.js';
import { LOGGED_MODEL_STATUSES, type LoggedModel, type LoggedModelStatus, type LoggedModelStore } from '../store/logged-models.js';
import type { RunStore } from '../store/runs.js';
import { toFiles } from './artifacts.js';
import type { Params } from './params.js';
import { toLoggedModel } from './render.js';
import { NOTHING, route, type Route } from './route.js';
import { newId, stateOf, textsOf } from './shared.js';

const SEARCHABLE = {
  attributes: {
    name: 'text', model_id: 'text', model_type: 'text', status: 'text', source_run_id: 'text', experiment_id: 'text',
    creation_timestamp: 'number', creation_time: 'number', last_updated_timestamp: 'number', last_updated_time: 'number',
  },
  entities: ['attribute', 'metric', 'param', 'tag'],
} as const;
const MAX_RESULTS = 5000;
const DEFAULT_RESULTS = 100;

type ModelMetric = Metric & { runId: string };

export interface LoggedModelRoutesUse {
  readonly loggedModels: LoggedModelStore;
  readonly runs: RunStore;
  readonly experiments: ExperimentStore;
  readonly folder: ArtifactFolder;
  readonly nowMs: () => number;
}

/** `logged-models…` */
export function loggedModelRoutes({ loggedModels, runs, experiments, folder, nowMs }: LoggedModelRoutesUse): Route[] {
  const show = async (model: LoggedModel): Promise<object> => ({ model: toLoggedModel(model, await runs.metricsOfModels([model.modelId])) });
  const idOf = (params: Params): string => params.required('model_id');
  return [
    route('POST', 'logged-models', async ({ params }) => {
      const { id: experimentId } = await experiments.get(params.text('experiment_id') || '0');
      const modelId = `m-${newId()}`;
      const model = { modelId, experimentId, name: params.text('name') || `model-${modelId.slice(2, 10)}`, runId: params.text('source_run_id') || undefined, modelType: params.text('model_type') || undefined };
      return show(await loggedModels.create({ ...model, params: textsOf(params.keyValues('params')), tags: textsOf(params.keyValues('tags')) }, nowMs()));
    }),
    route('POST', 'logged-models/search', async ({ params }) => {
      const models = await loggedModels.list(params.texts('experiment_ids'));
      const metrics = Map.groupBy(await runs.metricsOfModels(models.map(({ modelId }) => modelId)), ({ modelId }) => modelId);
      const metricsOf = ({ modelId }: LoggedModel): ModelMetric[] => metrics.get(modelId) ?? [];
      const orderBy = params.objects('order_by', 20).map((order) => `${order.required('field_name')} ${order.text('ascending') === undefined || order.flag('ascending') ? 'ASC' : 'DESC'}`);
      const found = search(models, (model) => lookAt(model, metricsOf(model)), { filter: params.text('filter'), orderBy, maxResults: params.limit('max_results', DEFAULT_RESULTS, MAX_RESULTS), pageToken: params.text('page_token') }, SEARCHABLE);
      return { models: found.items.map((model) => toLoggedModel(model, metricsOf(model))), next_page_token: found.nextPageToken };
    }),
    route('GET', 'logged-models/:model_id', async ({ params }) => show(await loggedModels.get(idOf(params)))),
    route('PATCH', 'logged-models/:model_id', async ({ params }) => show(await loggedModels.change(idOf(params), { status: statusOf(params) }, nowMs()))),
    route('DELETE', 'logged-models/:model_id', async ({ params }) => {
      await loggedModels.remove(idOf(params));
      return NOTHING;
    }),
    route('PATCH', 'logged-models/:model_id/tags', async ({ params }) => show(await loggedModels.change(idOf(params), { tags: textsOf(params.keyValues('tags')) }, nowMs()))),
    route('DELETE', 'logged-models/:model_id/tags/:tag_key', async ({ params }) => {
      await loggedModels.removeTag(idOf(params), params.required('tag_key'), nowMs());
      return NOTHING;
    }),
    route('POST', 'logged-models/:model_id/params', async ({ params }) => {
      await loggedModels.change(idOf(params), { params: textsOf(params.keyValues('params')) }, nowMs());
      return NOTHING;
    }),
    route('GET', 'logged-models/:model_id/artifacts/directories', async ({ params }) => {
      const { experimentId, modelId } = await loggedModels.get(idOf(params));
      const root = loggedModelFolder(experimentId, modelId);
      const path = params.text('artifact_directory_path') ?? '';
      return { root_uri: artifactUri(root), files: toFiles(await folder.list(path === '' ? root : `${root}/${path}`)) };
    }),
  ];
}

function statusOf(params: Params): LoggedModelStatus {
  const status = params.required('status');
  return stateOf('status', status, LOGGED_MODEL_STATUSES);
}

const lookAt = (model: LoggedModel, metrics: readonly ModelMetric[]): Searched => ({
  attributes: {
    name: model.name, model_id: model.modelId, model_type: model.modelType, status: model.status.replace('LOGGED_MODEL_', ''), source_run_id: model.runId, experiment_id: model.experimentId,
    creation_timestamp: model.createdAtMs, creation_time: model.createdAtMs, last_updated_timestamp: model.updatedAtMs, last_updated_time: model.updatedAtMs,
  },
  metrics: Object.fromEntries([...latestOf(metrics)].map(([key, { value }]) => [key, value])),
  params: model.params,
  tags: model.tags,
});
