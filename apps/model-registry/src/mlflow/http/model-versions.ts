import { ContractError } from '@throughline/contracts';
import { authorOf } from '@throughline/http';
import { CHAMPION } from '../../domain/names.js';
import type { DeploymentStore } from '../../store/deployments.js';
import type { VersionRecords } from '../../store/version-records.js';
import { artifactUri, versionFolder } from '../domain/paths.js';
import { search, type Searched } from '../domain/search.js';
import { parseFilter } from '../domain/filter.js';
import type { RegisterFromMlflow } from '../register.js';
import type { RegisteredStore, RegisteredVersion } from '../store/registered.js';
import type { Params } from './params.js';
import { toModelVersion } from './render.js';
import { NOTHING, route, type Call, type Route } from './route.js';
import { NO_PROMPT, textsOf } from './shared.js';

const SEARCHABLE = {
  attributes: {
    name: 'text', version_number: 'number', run_id: 'text', source_path: 'text', user_id: 'text', current_stage: 'text', status: 'text', model_id: 'text',
    creation_timestamp: 'number', last_updated_timestamp: 'number',
  },
  entities: ['attribute', 'tag'],
} as const;
const MAX_RESULTS = 200_000;
const DEFAULT_RESULTS = 10_000;
const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
const REASON = 'by an MLflow client';

export interface ModelVersionRoutesUse {
  readonly registered: RegisteredStore;
  readonly register: RegisterFromMlflow;
  readonly deployments: DeploymentStore;
  readonly records: VersionRecords;
  readonly nowMs: () => number;
}

/** `model-versions/…` */
export function modelVersionRoutes(use: ModelVersionRoutesUse): Route[] {
  const { registered, register, nowMs } = use;
  const find = (params: Params): Promise<RegisteredVersion> => registered.version(params.required('name'), params.required('version'));
  const show = async ({ model, version }: RegisteredVersion): Promise<object> => ({ model_version: toModelVersion(await registered.version(model, String(version))) });
  const changeTags = async (params: Params, change: (tags: Record<string, string>) => Record<string, string>): Promise<object> => {
    const version = await find(params);
    await registered.noteVersion(version, { tags: change({ ...version.tags }) }, nowMs());
    return NOTHING;
  };
  return [
    route('POST', 'model-versions/create', async ({ params, caller }) => {
      const { name } = await registered.model(params.required('name'));
      return { model_version: toModelVersion(await register.create({
        model: name, source: params.required('source'), runId: params.text('run_id') || undefined, modelId: params.text('model_id') || undefined, runLink: params.text('run_link') || undefined,
        description: params.text('description'), tags: textsOf(params.keyValues('tags')), author: knownName(caller),
      })) };
    }),
    route('GET', 'model-versions/get', async ({ params }) => ({ model_version: toModelVersion(await find(params)) })),
    route('GET', 'model-versions/search', async ({ params }) => {
      const filter = params.text('filter');
      const found = search(await registered.versions(nameIn(filter)), lookAt, { filter, orderBy: params.texts('order_by'), maxResults: params.limit('max_results', DEFAULT_RESULTS, MAX_RESULTS), pageToken: params.text('page_token') }, SEARCHABLE);
      return { model_versions: found.items.map(toModelVersion), next_page_token: found.nextPageToken };
    }),
    route('GET', 'model-versions/get-download-uri', async ({ params }) => {
      const { model, version } = await find(params);
      return { artifact_uri: artifactUri(versionFolder(model, version)) };
    }),
    route('PATCH', 'model-versions/update', async ({ params }) => {
      const version = await find(params);
      await registered.noteVersion(version, { description: params.text('description') ?? '' }, nowMs());
      return show(version);
    }),
    route('POST', 'model-versions/transition-stage', async ({ params }) => {
      const version = await find(params);
      const stage = stageOf(params.required('stage'));
      if (params.flag('archive_existing_versions')) await archiveOthers(registered, version, stage, nowMs());
      await registered.noteVersion(version, { stage }, nowMs());
      return show(version);
    }),
    route('DELETE', 'model-versions/delete', (call) => remove(use, call)),
    route('POST', 'model-versions/set-tag', ({ params }) => {
      const { key, value } = params.keyValue();
      return changeTags(params, (tags) => ({ ...tags, [key]: value }));
    }),
    route('DELETE', 'model-versions/delete-tag', ({ params }) => {
      const key = params.required('key');
      return changeTags(params, ({ [key]: _, ...tags }) => tags);
    }),
  ];
}

/** Where anybody on this machine may come, nobody is known by name; the run's own tag may say. */
const knownName = (caller: Call['caller']): string | undefined => {
  const name = authorOf(caller, '');
  return name === '' ? undefined : name;
};

/** The one model that a filter asks for, so that not all versions need be read. */
function nameIn(filter: string | undefined): string | undefined {
  const named = parseFilter(filter, SEARCHABLE).find(({ entity, key, operator }) => entity === 'attribute' && key === 'name' && operator === '=');
  return named === undefined ? undefined : String(named.value);
}

const lookAt = (version: RegisteredVersion): Searched => ({
  attributes: {
    name: version.model, version_number: version.version, run_id: version.runId, source_path: version.source, user_id: version.userId, current_stage: version.stage, status: 'READY', model_id: version.modelId,
    creation_timestamp: version.createdAtMs, last_updated_timestamp: version.updatedAtMs,
  },
  tags: { ...NO_PROMPT, ...version.tags },
});

/** Stages are names; what serves is the alias `champion`. */
function stageOf(stage: string): (typeof STAGES)[number] {
  const known = STAGES.find((one) => one.toLowerCase() === stage.toLowerCase());
  if (known !== undefined) return known;
  throw new ContractError('invalid_request', `Invalid Model Version stage: ${stage.slice(0, 40)}. Value must be one of ${STAGES.join(', ')}.`, { cure: 'Better use aliases.' });
}

async function archiveOthers(registered: RegisteredStore, { model, version }: RegisteredVersion, stage: string, nowMs: number): Promise<void> {
  if (stage !== 'Staging' && stage !== 'Production') throw new ContractError('invalid_request', 'archive_existing_versions is for the stages Staging and Production', { cure: 'Leave it out.' });
  const others = (await registered.versions(model)).filter((other) => other.version !== version && other.stage === stage);
  for (const other of others) await registered.noteVersion(other, { stage: 'Archived' }, nowMs);
}

/** Deleting is archiving. Names of a version go with it, as in MLflow; what serves does not. */
async function remove({ registered, deployments, records, nowMs }: ModelVersionRoutesUse, { params, caller }: Call): Promise<object> {
  const { model, version, aliases } = await registered.version(params.required('name'), params.required('version'));
  const at = new Date(nowMs());
  const by = { author: authorOf(caller), reason: REASON };
  if (!aliases.includes(CHAMPION)) for (const alias of aliases) await deployments.moveAlias(model, { alias, version: null, expected: version }, by, at);
  await records.archive(model, version, by, at);
  return NOTHING;
}
