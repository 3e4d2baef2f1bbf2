import { ContractError, type FeatureSpec, type ServedVersion } from '@throughline/contracts';
import type { Column } from './rows.js';

/** What a person says about the columns. */
export interface ColumnOptions {
  /** Role to column. */
  readonly entities: Readonly<Record<string, string>>;
  readonly routingKey?: string | undefined;
  readonly occurredAt?: string | undefined;
  readonly idColumn?: string | undefined;
  /** Columns to carry through; all when absent. */
  readonly columns?: readonly string[] | undefined;
}

export interface PlannedFeature {
  readonly name: string;
  readonly index: number;
  /** Of the tensor it goes into. */
  readonly datatype: string;
}

/** Which column is what, by index. */
export interface ColumnPlan {
  readonly features: readonly PlannedFeature[];
  readonly entities: readonly { readonly role: string; readonly index: number }[];
  readonly routingKey: number | undefined;
  readonly occurredAt: number | undefined;
  readonly id: number | undefined;
  readonly carried: readonly number[];
  /** Columns that requests are made of. */
  readonly needed: ReadonlySet<string>;
}

/**
 * Columns are features by their name. Everything that is missing is found here, before anything is sent.
 *
 * @throws ContractError `feature_missing` naming what the model expects and what the file has; `invalid_request` for options that name no column or role
 */
export function planColumns(columns: readonly Column[], { signature, version }: ServedVersion, options: ColumnOptions): ColumnPlan {
  const positions = new Map(columns.map(({ name }, index) => [name, index]));
  const indexOf = (name: string, option: string): number => {
    const index = positions.get(name);
    if (index === undefined) throw new ContractError('invalid_request', `${option} names the column “${name}”, which the input does not have`, { cure: `It has: ${listed(columns)}.` });
    return index;
  };
  for (const role of Object.keys(options.entities)) {
    if (signature.entities !== undefined && !(role in signature.entities)) throw new ContractError('invalid_request', `version ${version} knows no entity role “${role}”`, { cure: `Its roles: ${Object.keys(signature.entities).join(', ') || 'none'}.` });
  }
  const missing = signature.features.filter((feature) => !positions.has(feature.name) && !comesOtherwise(feature, options));
  if (missing.length > 0) throw lacking(missing, columns, signature.features, version);
  const optional = (name: string | undefined, option: string): number | undefined => (name === undefined ? undefined : indexOf(name, option));
  const plan = {
    features: signature.features.flatMap(({ name }) => (positions.has(name) ? [{ name, index: positions.get(name)!, datatype: datatypeOf(signature, name) }] : [])),
    entities: Object.entries(options.entities).map(([role, column]) => ({ role, index: indexOf(column, `--entity ${role}`) })),
    routingKey: optional(options.routingKey, '--routing-key'),
    occurredAt: optional(options.occurredAt, '--occurred-at'),
    id: optional(options.idColumn, '--id-column'),
    carried: options.columns === undefined ? columns.map((_, index) => index) : options.columns.map((name) => indexOf(name, '--columns')),
  };
  const indices = [...plan.features.map(({ index }) => index), ...plan.entities.map(({ index }) => index), plan.routingKey, plan.occurredAt, plan.id];
  return { ...plan, needed: new Set(indices.flatMap((index) => (index === undefined ? [] : [columns[index]!.name]))) };
}

const listed = (columns: readonly { readonly name: string }[]): string => columns.map(({ name }) => name).join(', ') || 'none';

/** By default, or from the feature store, whose entity the file must then name. */
const comesOtherwise = ({ default: value, from }: FeatureSpec, { entities }: ColumnOptions): boolean =>
  (value !== undefined && value !== null) || (from !== undefined && Object.hasOwn(entities, from.entityRole));

function lacking(missing: readonly FeatureSpec[], columns: readonly Column[], features: readonly FeatureSpec[], version: string): ContractError {
  const roles = new Set(missing.flatMap(({ from }) => (from === undefined ? [] : [from.entityRole])));
  const stored = roles.size === 0 ? '' : `, or say where the entities are: ${[...roles].map((role) => `--entity ${role}=COLUMN`).join(' ')}`;
  return new ContractError('feature_missing', `the input has no column for ${missing.map(({ name }) => `“${name}”`).join(', ')}; it has: ${listed(columns)}`, {
    cure: `Name the columns as version ${version} names its features (${listed(features)})${stored}.`,
  });
}

/** One tensor for all features, or one a feature. */
function datatypeOf({ inputs, features }: ServedVersion['signature'], feature: string): string {
  const own = inputs.find(({ name }) => name === feature);
  const tensor = own !== undefined && (inputs.length > 1 || features.length === 1) ? own : inputs[0];
  return tensor?.datatype ?? 'FP64';
}
