import { ContractError } from '@throughline/contracts';
import { search } from '../domain/search.js';
import type { ExperimentStore } from '../store/experiments.js';
import type { Params } from './params.js';
import { toExperiment } from './render.js';
import { NOTHING, route, type Route } from './route.js';
import { stageFilter, textsOf } from './shared.js';

const SEARCHABLE = { attributes: { name: 'text', creation_time: 'number', last_update_time: 'number', experiment_id: 'text' }, entities: ['attribute', 'tag'] } as const;
const MAX_RESULTS = 50_000;
const DEFAULT_RESULTS = 1000;
/** Where runs go that name no other; it cannot be deleted. */
const DEFAULT_EXPERIMENT = '0';

/** `experiments/…` */
export function experimentRoutes(experiments: ExperimentStore, nowMs: () => number): Route[] {
  const find = async (params: Params): Promise<object> => {
    const isVisible = stageFilter(params.text('view_type'));
    const found = search((await experiments.list()).filter(({ stage }) => isVisible(stage)), ({ id, name, tags, createdAtMs, updatedAtMs }) => ({ attributes: { name, experiment_id: id, creation_time: createdAtMs, last_update_time: updatedAtMs }, tags }), {
      filter: params.text('filter'), orderBy: params.texts('order_by'), maxResults: params.limit('max_results', DEFAULT_RESULTS, MAX_RESULTS), pageToken: params.text('page_token'),
    }, SEARCHABLE);
    return { experiments: found.items.map(toExperiment), next_page_token: found.nextPageToken };
  };
  const changeTags = async (params: Params, change: (tags: Record<string, string>) => Record<string, string>): Promise<object> => {
    const { id, tags } = await experiments.get(params.required('experiment_id'));
    await experiments.update(id, { tags: change({ ...tags }) }, nowMs());
    return NOTHING;
  };
  return [
    route('POST', 'experiments/create', async ({ params }) => {
      const name = checkName(params.required('name'));
      if ((params.text('artifact_location') ?? '') !== '') throw new ContractError('invalid_request', 'artifact_location is chosen by the server: only what is stored here can become a version', { cure: 'Leave it out.' });
      return { experiment_id: await experiments.create(name, textsOf(params.keyValues('tags')), nowMs()) };
    }),
    route('GET', 'experiments/get', async ({ params }) => ({ experiment: toExperiment(await experiments.get(params.required('experiment_id'))) })),
    route('GET', 'experiments/get-by-name', async ({ params }) => ({ experiment: toExperiment(await experiments.getByName(params.required('experiment_name'))) })),
    route('POST', 'experiments/search', ({ params }) => find(params)),
    route('GET', 'experiments/search', ({ params }) => find(params)),
    route('POST', 'experiments/update', async ({ params }) => {
      const name = params.text('new_name');
      await experiments.update(params.required('experiment_id'), name === undefined || name === '' ? {} : { name: checkName(name) }, nowMs());
      return NOTHING;
    }),
    route('POST', 'experiments/delete', async ({ params }) => {
      const id = params.required('experiment_id');
      if (id === DEFAULT_EXPERIMENT) throw new ContractError('invalid_request', 'the default experiment cannot be deleted', { cure: 'Delete its runs.' });
      await experiments.update(id, { stage: 'deleted' }, nowMs());
      return NOTHING;
    }),
    route('POST', 'experiments/restore', async ({ params }) => {
      await experiments.update(params.required('experiment_id'), { stage: 'active' }, nowMs());
      return NOTHING;
    }),
    route('POST', 'experiments/set-experiment-tag', ({ params }) => {
      const { key, value } = params.keyValue();
      return changeTags(params, (tags) => ({ ...tags, [key]: value }));
    }),
    route('POST', 'experiments/delete-experiment-tag', ({ params }) => {
      const key = params.required('key');
      return changeTags(params, ({ [key]: _, ...tags }) => tags);
    }),
  ];
}

/** MLflow's own limit. */
const MAX_NAME_LENGTH = 500;

function checkName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw new ContractError('invalid_request', `the name “${name.slice(0, 60)}…” has more than ${MAX_NAME_LENGTH} characters`, { cure: 'Shorten it.' });
}
