import { ContractError } from '@throughline/contracts';
import { ANONYMOUS, authorOf, hasRole, requireRole, type Principal } from '@throughline/http';
import { CHAMPION, checkAliasName, versionNumber } from '../../domain/names.js';
import type { Promotions } from '../../rollouts/promotions.js';
import type { DeploymentStore } from '../../store/deployments.js';
import type { VersionRecords } from '../../store/version-records.js';
import { search } from '../domain/search.js';
import type { RegisteredModel, RegisteredStore, RegisteredVersion } from '../store/registered.js';
import type { Params } from './params.js';
import { toModelVersion, toRegisteredModel } from './render.js';
import { NOTHING, route, type Call, type Route } from './route.js';
import { NO_PROMPT, textsOf } from './shared.js';

const SEARCHABLE = { attributes: { name: 'text', timestamp: 'number', creation_timestamp: 'number', last_updated_timestamp: 'number', description: 'text' }, entities: ['attribute', 'tag'] } as const;
const MAX_RESULTS = 1000;
const DEFAULT_RESULTS = 100;
const REASON = 'by an MLflow client';

export interface RegisteredModelRoutesUse {
  readonly registered: RegisteredStore;
  readonly deployments: DeploymentStore;
  readonly promotions: Promotions;
  readonly records: VersionRecords;
  readonly nowMs: () => number;
}

/** `registered-models/…` */
export function registeredModelRoutes(use: RegisteredModelRoutesUse): Route[] {
  const { registered, deployments, nowMs } = use;
  const show = async (name: string): Promise<object> => ({ registered_model: toRegisteredModel(await registered.model(name), latestByStage(await registered.versions(name))) });
  const latest = async (params: Params): Promise<object> => {
    const { name } = await registered.model(params.required('name'));
    const stages = params.texts('stages').map((stage) => stage.toLowerCase());
    return { model_versions: latestByStage(await registered.versions(name)).filter(({ stage }) => stages.length === 0 || stages.includes(stage.toLowerCase())).map(toModelVersion) };
  };
  const changeTags = async (params: Params, change: (tags: Record<string, string>) => Record<string, string>): Promise<object> => {
    const { name, tags } = await registered.model(params.required('name'));
    await registered.noteModel(name, { tags: change({ ...tags }) }, nowMs());
    return NOTHING;
  };
  return [
    route('POST', 'registered-models/create', async ({ params }) => {
      const name = params.required('name');
      await registered.create(name, params.text('description') ?? '', textsOf(params.keyValues('tags')), nowMs());
      return show(name);
    }),
    route('GET', 'registered-models/get', ({ params }) => show(params.required('name'))),
    route('GET', 'registered-models/search', ({ params }) => searchModels(registered, params)),
    route('PATCH', 'registered-models/update', async ({ params }) => {
      const name = params.required('name');
      await registered.noteModel(name, { description: params.text('description') ?? '' }, nowMs());
      return show(name);
    }),
    route('POST', 'registered-models/rename', async ({ params }) => {
      const { name } = await registered.model(params.required('name'));
      return refuseRename(name, params.required('new_name'));
    }),
    route('DELETE', 'registered-models/delete', (call) => remove(use, call)),
    route('POST', 'registered-models/get-latest-versions', ({ params }) => latest(params)),
    route('GET', 'registered-models/get-latest-versions', ({ params }) => latest(params)),
    route('POST', 'registered-models/set-tag', ({ params }) => {
      const { key, value } = params.keyValue();
      return changeTags(params, (tags) => ({ ...tags, [key]: value }));
    }),
    route('DELETE', 'registered-models/delete-tag', ({ params }) => {
      const key = params.required('key');
      return changeTags(params, ({ [key]: _, ...tags }) => tags);
    }),
    route('POST', 'registered-models/alias', (call) => setAlias(use, call)),
    route('DELETE', 'registered-models/alias', async ({ params, caller }) => {
      const { name } = await registered.model(params.required('name'));
      const alias = checkAlias(params.required('alias'));
      // Where nothing serves the next version serves at once, past the policy of promotion.
      if (alias === CHAMPION) requireRole(caller, 'approver');
      await deployments.moveAlias(name, { alias, version: null }, { author: authorOf(caller), reason: REASON }, new Date(nowMs()));
      return NOTHING;
    }),
    route('GET', 'registered-models/alias', async ({ params }) => {
      const { name } = await registered.model(params.required('name'));
      const alias = params.required('alias');
      const row = await deployments.alias(name, alias);
      if (row === undefined) throw new ContractError('invalid_request', `Registered model alias ${alias.slice(0, 100)} not found.`, { cure: 'Set it first.' });
      return { model_version: toModelVersion(await registered.version(name, String(row.version))) };
    }),
  ];
}

async function searchModels(registered: RegisteredStore, params: Params): Promise<object> {
  const found = search(await registered.models(), lookAt, {
    filter: params.text('filter'), orderBy: params.texts('order_by'), maxResults: params.limit('max_results', DEFAULT_RESULTS, MAX_RESULTS), pageToken: params.text('page_token'),
  }, SEARCHABLE);
  const models = await Promise.all(found.items.map(async (model) => toRegisteredModel(model, latestByStage(await registered.versions(model.name)))));
  return { registered_models: models, next_page_token: found.nextPageToken };
}

const lookAt = ({ name, description, tags, createdAtMs, updatedAtMs }: RegisteredModel) => ({
  attributes: { name, description, creation_timestamp: createdAtMs, timestamp: updatedAtMs, last_updated_timestamp: updatedAtMs }, tags: { ...NO_PROMPT, ...tags },
});

/** The highest version in each stage, as MLflow means the latest. */
function latestByStage(versions: readonly RegisteredVersion[]): RegisteredVersion[] {
  const latest = new Map<string, RegisteredVersion>();
  for (const version of versions) {
    const known = latest.get(version.stage);
    if (known === undefined || known.version < version.version) latest.set(version.stage, version);
  }
  return [...latest.values()];
}

/** `champion` goes the way the model's policy says; the others are names. */
async function setAlias({ registered, deployments, promotions, nowMs }: RegisteredModelRoutesUse, { params, caller }: Call): Promise<object> {
  const { name } = await registered.model(params.required('name'));
  const alias = checkAlias(params.required('alias'));
  const { version } = await registered.version(name, params.required('version'));
  const move = { alias, version: versionNumber(name, String(version)) };
  const by = { author: authorOf(caller), reason: REASON };
  if (alias === CHAMPION) await promotions.promote(name, move, { ...by, mayApprove: mayApprove(caller) }, new Date(nowMs()));
  else await deployments.moveAlias(name, move, by, new Date(nowMs()));
  return NOTHING;
}

/** MLflow's clients cannot say that they approve; where nobody has to say who they are, somebody else has to. */
const mayApprove = (caller: Principal): boolean => caller !== ANONYMOUS && hasRole(caller, 'approver');

/** `latest` and `v1` would read as something else in `models:/name@latest`. */
function checkAlias(alias: string): string {
  checkAliasName(alias);
  if (!/^(latest|v\d+)$/i.test(alias)) return alias;
  throw new ContractError('invalid_request', `'${alias}' alias name is reserved.`, { cure: 'Choose another name.' });
}

/** What is under way names its model: topics, ledger, drift, outcomes of weeks. */
function refuseRename(name: string, newName: string): never {
  throw new ContractError('invalid_request', `a model cannot be renamed: events, predictions and outcomes of “${name}” go on under its name`, {
    cure: `Copy its versions instead: client.copy_model_version("models:/${name}/<version>", "${newName.slice(0, 200)}").`,
  });
}

/** Deleting is archiving: refused while something serves the model, and each version stays explainable. */
async function remove({ registered, deployments, records, nowMs }: RegisteredModelRoutesUse, { params, caller }: Call): Promise<object> {
  const { name, aliases } = await registered.model(params.required('name'));
  const at = new Date(nowMs());
  const by = { author: authorOf(caller), reason: REASON };
  await refuseServing(deployments, name);
  for (const alias of Object.keys(aliases)) await deployments.moveAlias(name, { alias, version: null }, by, at);
  for (const { version } of await registered.versions(name)) await records.archive(name, version, by, at);
  await registered.noteModel(name, { isDeleted: true, description: '', tags: {} }, nowMs());
  return NOTHING;
}

/** @throws ContractError `in_use` */
async function refuseServing(deployments: DeploymentStore, name: string): Promise<void> {
  const deployment = await deployments.current(name).catch((error: unknown) => {
    if (error instanceof ContractError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (deployment === undefined) return;
  const { champion, challengers, shadows, standbys = [] } = deployment;
  if (champion === undefined && challengers.length + shadows.length + standbys.length === 0) return;
  throw new ContractError('in_use', `model “${name}” serves${champion === undefined ? '' : `: version ${champion.version} is its champion`}`, { cure: 'Take it out of service first: delete the alias “champion”.' });
}
