import { ContractError } from '@throughline/contracts';
import type { CurrentValues, FeatureScalar, FeatureViewDefinition } from '@throughline/features';
import { entityKeyText, type EntityKey } from './apply-events.js';
import { entityIdOf } from './push.js';

export type FieldStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

export interface OnlineRequest {
  /** `view:feature`, or `view@version:feature`; without a version the latest. */
  readonly features: readonly string[];
  /** Entity type to ids, all of one length: the rows asked for. */
  readonly entities: Readonly<Record<string, readonly unknown[]>>;
  readonly fullFeatureNames: boolean;
  /** Ages are relative to this moment; epoch milliseconds of event time. */
  readonly asOfMs: number;
  /** Values that are too old are given all the same, with their status: for a reader who judges ages by each request's own time. */
  readonly includeOutsideMaxAge: boolean;
}

/** Feast's answer: one column an entity type, then one a feature. `sequences` is ours: with the event time it orders two answers. */
export interface OnlineResponse {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly FieldStatus[];
    readonly event_timestamps: readonly string[];
    readonly sequences?: readonly number[];
  }[];
}

export type ViewLookup = (name: string, version: number | undefined) => FeatureViewDefinition | undefined;

interface Column {
  readonly name: string;
  readonly feature: string;
  readonly view: FeatureViewDefinition;
}

export interface OnlinePlan {
  readonly columns: readonly Column[];
  readonly rows: number;
  /** The states to read. */
  readonly keys: readonly EntityKey[];
}

/** More cells than this in one answer would hold up everybody else. */
const MAX_CELLS = 200_000;
const NO_TIME = '1970-01-01T00:00:00Z';

/**
 * What a request needs read.
 *
 * @throws ContractError `not_found` for an unknown view or feature, `invalid_request` for the rest
 */
export function planOnlineFeatures(request: OnlineRequest, viewOf: ViewLookup): OnlinePlan {
  const columns = request.features.map((reference) => columnOf(reference, request.fullFeatureNames, viewOf));
  const names = [...Object.keys(request.entities), ...columns.map(({ name }) => name)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ContractError('invalid_request', `two columns would be called ${twice}`, { cure: 'Set full_feature_names.' });
  const rows = rowCount(request.entities);
  if (rows * columns.length > MAX_CELLS) throw new ContractError('invalid_request', `${rows} rows of ${columns.length} features are more than ${MAX_CELLS} values`);
  const keys = new Map<string, EntityKey>();
  for (const { view } of columns) {
    for (let row = 0; row < rows; row += 1) {
      const key = keyOf(view, request.entities, row);
      keys.set(entityKeyText(key), key);
    }
  }
  return { columns, rows, keys: [...keys.values()] };
}

/** @param found by `entityKeyText` */
export function answerOnlineFeatures(request: OnlineRequest, plan: OnlinePlan, found: ReadonlyMap<string, CurrentValues>): OnlineResponse {
  const rowNumbers = Array.from({ length: plan.rows }, (_, row) => row);
  const entityResults = Object.values(request.entities).map((ids) => ({
    values: ids, statuses: ids.map((): FieldStatus => 'PRESENT'), event_timestamps: ids.map(() => NO_TIME),
  }));
  const featureResults = plan.columns.map(({ view, feature }) => {
    const cells = rowNumbers.map((row) => cellOf(found.get(entityKeyText(keyOf(view, request.entities, row))), feature, view, request));
    return {
      values: cells.map(({ value }) => value),
      statuses: cells.map(({ status }) => status),
      event_timestamps: cells.map(({ eventTime }) => eventTime),
      sequences: cells.map(({ sequence }) => sequence),
    };
  });
  const feature_names = [...Object.keys(request.entities), ...plan.columns.map(({ name }) => name)];
  return { metadata: { feature_names }, results: [...entityResults, ...featureResults] };
}

interface Cell {
  readonly value: FeatureScalar;
  readonly status: FieldStatus;
  readonly eventTime: string;
  readonly sequence: number;
}

/** A value that is too old is withheld, so that a caller who does not look at statuses does not use it; its time says how old. */
function cellOf(current: CurrentValues | undefined, feature: string, view: FeatureViewDefinition, { asOfMs, includeOutsideMaxAge }: OnlineRequest): Cell {
  if (current === undefined) return { value: null, status: 'NOT_FOUND', eventTime: NO_TIME, sequence: 0 };
  const at = { eventTime: new Date(current.eventTimeMs).toISOString(), sequence: current.sequence };
  const ageSeconds = (asOfMs - current.eventTimeMs) / 1000;
  const value = current.values[feature] ?? null;
  if (view.maxAgeSeconds !== undefined && ageSeconds > view.maxAgeSeconds) return { value: includeOutsideMaxAge ? value : null, status: 'OUTSIDE_MAX_AGE', ...at };
  return { value, status: value === null ? 'NULL_VALUE' : 'PRESENT', ...at };
}

function columnOf(reference: string, fullNames: boolean, viewOf: ViewLookup): Column {
  const match = /^([^:@]+)(?:@(\d{1,9}))?:([^:]+)$/.exec(reference);
  if (match === null) throw new ContractError('invalid_request', `feature "${reference}" must be view:feature or view@version:feature`);
  const [, viewName, version, feature] = match as unknown as [string, string, string | undefined, string];
  const view = viewOf(viewName, version === undefined ? undefined : Number(version));
  if (view === undefined) throw new ContractError('not_found', `there is no feature view ${viewName}${version === undefined ? '' : `@${version}`}`);
  if (!view.features.some(({ name }) => name === feature)) throw new ContractError('not_found', `feature view ${viewName}@${view.version} has no feature ${feature}`);
  return { view, feature, name: fullNames ? `${viewName}__${feature}` : feature };
}

function keyOf(view: FeatureViewDefinition, entities: OnlineRequest['entities'], row: number): EntityKey {
  const ids = entities[view.entityType];
  if (ids === undefined) throw new ContractError('invalid_request', `entities needs ${view.entityType}, the entity of view ${view.name}`);
  return { view: view.name, version: view.version, entityId: entityIdOf(ids[row], `entities.${view.entityType}[${row}]`) };
}

function rowCount(entities: OnlineRequest['entities']): number {
  const lengths = Object.values(entities).map((ids) => ids.length);
  const rows = lengths[0];
  if (rows === undefined || rows === 0) throw new ContractError('invalid_request', 'entities must hold at least one id');
  if (lengths.some((length) => length !== rows)) throw new ContractError('invalid_request', 'all entities must have the same number of ids');
  return rows;
}
