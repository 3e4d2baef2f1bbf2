/** What a route of MLflow's is for; `fields` are an example of its request, in the query of a GET and in the body of the others. */
export interface DescribedRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly answer: object;
}

const RUN_ID = '0b5f1c8d9e7a4b3c8d2e1f0a9b8c7d6e';
const MODEL_ID = 'm-4c2e1f0a9b8c7d6e0b5f1c8d9e7a4b3c';
const TAG = { key: 'team', value: 'flights' };
const PARAM = { key: 'l2', value: '0.1' };
const METRIC = { key: 'auc', value: 0.71, timestamp: 1_795_275_000_000, step: 0 };
const INFO = { run_id: RUN_ID, run_name: 'nightly', experiment_id: '0', status: 'RUNNING', start_time: 1_795_275_000_000, artifact_uri: `mlflow-artifacts:/0/${RUN_ID}/artifacts`, lifecycle_stage: 'active' };
const RUN = { info: INFO, data: { metrics: [METRIC], params: [PARAM], tags: [TAG] } };
const EXPERIMENT = { experiment_id: '0', name: 'Default', artifact_location: 'mlflow-artifacts:/0', lifecycle_stage: 'active' };
const VERSION = { name: 'flight-delay', version: '2', current_stage: 'None', status: 'READY', source: `models:/${MODEL_ID}`, tags: [], aliases: ['challenger'] };
const MODEL = { name: 'flight-delay', aliases: [{ alias: 'champion', version: '1' }], latest_versions: [VERSION], tags: [TAG] };
const LOGGED = { info: { model_id: MODEL_ID, experiment_id: '0', name: 'model', status: 'LOGGED_MODEL_READY', source_run_id: RUN_ID }, data: { params: [PARAM], metrics: [METRIC] } };
const FILES = { root_uri: `mlflow-artifacts:/0/${RUN_ID}/artifacts`, files: [{ path: 'model.onnx', is_dir: false, file_size: 1834 }] };
const NOTHING = {};
const OF_MODEL = { name: 'flight-delay' };
const OF_VERSION = { name: 'flight-delay', version: '2' };
const OF_RUN = { run_id: RUN_ID };
const OF_EXPERIMENT = { experiment_id: '0' };

const at = (method: DescribedRoute['method'], path: string, summary: string, fields: DescribedRoute['fields'], answer: object): DescribedRoute => ({ method, path, summary, fields, answer });

/** Every route of MLflow's REST API that is served; a test compares it with the routes. */
export const MLFLOW_OPERATIONS: readonly DescribedRoute[] = [
  at('POST', 'experiments/create', 'Create an experiment', { name: 'delays' }, { experiment_id: '1' }),
  at('GET', 'experiments/get', 'An experiment', OF_EXPERIMENT, { experiment: EXPERIMENT }),
  at('GET', 'experiments/get-by-name', 'An experiment by its name', { experiment_name: 'Default' }, { experiment: EXPERIMENT }),
  at('POST', 'experiments/search', 'Search experiments', { max_results: 100 }, { experiments: [EXPERIMENT] }),
  at('GET', 'experiments/search', 'Search experiments', { max_results: 100 }, { experiments: [EXPERIMENT] }),
  at('POST', 'experiments/update', 'Rename an experiment', { experiment_id: '1', new_name: 'arrivals' }, NOTHING),
  at('POST', 'experiments/delete', 'Delete an experiment', { experiment_id: '1' }, NOTHING),
  at('POST', 'experiments/restore', 'Bring a deleted experiment back', { experiment_id: '1' }, NOTHING),
  at('POST', 'experiments/set-experiment-tag', 'Tag an experiment', { ...OF_EXPERIMENT, ...TAG }, NOTHING),
  at('POST', 'experiments/delete-experiment-tag', 'Remove a tag of an experiment', { ...OF_EXPERIMENT, key: 'team' }, NOTHING),
  at('POST', 'runs/create', 'Begin a run', { ...OF_EXPERIMENT, run_name: 'nightly', tags: [TAG] }, { run: RUN }),
  at('GET', 'runs/get', 'A run', OF_RUN, { run: RUN }),
  at('POST', 'runs/update', 'Change a run’s status or name', { ...OF_RUN, status: 'FINISHED' }, { run_info: INFO }),
  at('POST', 'runs/delete', 'Delete a run', OF_RUN, NOTHING),
  at('POST', 'runs/restore', 'Bring a deleted run back', OF_RUN, NOTHING),
  at('POST', 'runs/search', 'Search runs', { experiment_ids: ['0'], filter: 'metrics.auc > 0.7', max_results: 100 }, { runs: [RUN] }),
  at('POST', 'runs/log-parameter', 'Log a parameter of a run', { ...OF_RUN, ...PARAM }, NOTHING),
  at('POST', 'runs/log-metric', 'Log a metric of a run', { ...OF_RUN, ...METRIC }, NOTHING),
  at('POST', 'runs/log-batch', 'Log metrics, parameters and tags of a run', { ...OF_RUN, metrics: [METRIC], params: [PARAM], tags: [TAG] }, NOTHING),
  at('POST', 'runs/set-tag', 'Tag a run', { ...OF_RUN, ...TAG }, NOTHING),
  at('POST', 'runs/delete-tag', 'Remove a tag of a run', { ...OF_RUN, key: 'team' }, NOTHING),
  at('POST', 'runs/log-inputs', 'Log the data sets a run has read', { ...OF_RUN, datasets: [{ dataset: { name: 'flights', digest: '9f86d081', source_type: 'local', source: 'flights.parquet' } }] }, NOTHING),
  at('POST', 'runs/outputs', 'Log the models a run has made', { ...OF_RUN, models: [{ model_id: MODEL_ID, step: 0 }] }, NOTHING),
  at('POST', 'runs/log-model', 'Log a model, as clients before version 3 do', { ...OF_RUN, model_json: '{}' }, NOTHING),
  at('GET', 'metrics/get-history', 'Every value of a metric of a run', { ...OF_RUN, metric_key: 'auc' }, { metrics: [METRIC] }),
  at('GET', 'artifacts/list', 'Files of a run', OF_RUN, FILES),
  at('POST', 'logged-models', 'Begin a logged model', { ...OF_EXPERIMENT, name: 'model' }, { model: LOGGED }),
  at('POST', 'logged-models/search', 'Search logged models', { experiment_ids: ['0'], max_results: 100 }, { models: [LOGGED] }),
  at('GET', 'logged-models/:model_id', 'A logged model', {}, { model: LOGGED }),
  at('PATCH', 'logged-models/:model_id', 'Say how a logged model ended', { status: 'LOGGED_MODEL_READY' }, { model: LOGGED }),
  at('DELETE', 'logged-models/:model_id', 'Delete a logged model', {}, NOTHING),
  at('PATCH', 'logged-models/:model_id/tags', 'Tag a logged model', { tags: [TAG] }, { model: LOGGED }),
  at('DELETE', 'logged-models/:model_id/tags/:tag_key', 'Remove a tag of a logged model', {}, NOTHING),
  at('POST', 'logged-models/:model_id/params', 'Log parameters of a logged model', { params: [PARAM] }, NOTHING),
  at('GET', 'logged-models/:model_id/artifacts/directories', 'Files of a logged model', {}, FILES),
  at('POST', 'registered-models/create', 'Create a registered model', { name: 'arrivals', tags: [TAG] }, { registered_model: { ...MODEL, name: 'arrivals' } }),
  at('GET', 'registered-models/get', 'A registered model', OF_MODEL, { registered_model: MODEL }),
  at('GET', 'registered-models/search', 'Search registered models', { max_results: 100 }, { registered_models: [MODEL] }),
  at('PATCH', 'registered-models/update', 'Describe a registered model', { ...OF_MODEL, description: 'late departures' }, { registered_model: MODEL }),
  at('POST', 'registered-models/rename', 'Rename a registered model: refused, names are for ever', { ...OF_MODEL, new_name: 'arrivals' }, { registered_model: MODEL }),
  at('DELETE', 'registered-models/delete', 'Archive all versions of a model that nothing serves', OF_MODEL, NOTHING),
  at('POST', 'registered-models/get-latest-versions', 'Latest version by stage', OF_MODEL, { model_versions: [VERSION] }),
  at('GET', 'registered-models/get-latest-versions', 'Latest version by stage', OF_MODEL, { model_versions: [VERSION] }),
  at('POST', 'registered-models/set-tag', 'Tag a registered model', { ...OF_MODEL, ...TAG }, NOTHING),
  at('DELETE', 'registered-models/delete-tag', 'Remove a tag of a registered model', { ...OF_MODEL, key: 'team' }, NOTHING),
  at('POST', 'registered-models/alias', 'Point an alias at a version; champion goes the way of the model’s policy', { ...OF_VERSION, alias: 'challenger' }, NOTHING),
  at('DELETE', 'registered-models/alias', 'Remove an alias', { ...OF_MODEL, alias: 'challenger' }, NOTHING),
  at('GET', 'registered-models/alias', 'The version under an alias', { ...OF_MODEL, alias: 'champion' }, { model_version: VERSION }),
  at('POST', 'model-versions/create', 'Register a logged model as a version', { ...OF_MODEL, source: `models:/${MODEL_ID}`, run_id: RUN_ID }, { model_version: VERSION }),
  at('GET', 'model-versions/get', 'A version', OF_VERSION, { model_version: VERSION }),
  at('GET', 'model-versions/search', 'Search versions', { filter: "name='flight-delay'", max_results: 100 }, { model_versions: [VERSION] }),
  at('GET', 'model-versions/get-download-uri', 'Where the files of a version are', OF_VERSION, { artifact_uri: 'mlflow-artifacts:/versions/flight-delay/2' }),
  at('PATCH', 'model-versions/update', 'Describe a version', { ...OF_VERSION, description: 'trained on May' }, { model_version: VERSION }),
  at('POST', 'model-versions/transition-stage', 'Give a version a stage', { ...OF_VERSION, stage: 'Staging', archive_existing_versions: false }, { model_version: VERSION }),
  at('DELETE', 'model-versions/delete', 'Archive a version that nothing serves', OF_VERSION, NOTHING),
  at('POST', 'model-versions/set-tag', 'Tag a version', { ...OF_VERSION, ...TAG }, NOTHING),
  at('DELETE', 'model-versions/delete-tag', 'Remove a tag of a version', { ...OF_VERSION, key: 'team' }, NOTHING),
];
