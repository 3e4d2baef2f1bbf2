import { encodeEvent, type PredictionRequested } from '@throughline/contracts';

export const MODEL = 'bench-gbdt';
export const FEATURES = 30;
export const featureNames = Array.from({ length: FEATURES }, (_, index) => `feature_${index}`);
/** The last features of the model, where they come from the store. */
export const STORED_FEATURES = 3;
export const ENTITIES = 1000;
export const VIEW = { view: 'bench-view', viewVersion: 1, entityType: 'customer' } as const;
export const ENTITY_ROLE = 'subject';

export interface Message {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/** Six digits each, as measurements have them. */
export const featureValue = (row: number, column: number): number => Math.round(Math.sin(row * 31 + column) * 1e6) / 1e6;

const POOL = 1000;
const EVENT_TIME_MS = 981_173_106_000;
const ID_MARK = '"id":"@"';

/** Everything of a message but its id: encoding thirty features anew for each would be the load's bottleneck. */
interface Template {
  readonly before: string;
  readonly after: string;
  readonly headers: Record<string, string>;
}

/**
 * Requests as a producer would send them: structured CloudEvents with named features. Deterministic, so that every round sends the same
 * bytes; ids are unique, values repeat after a thousand.
 */
export function requestSource(kind: 'all-features' | 'stored-features'): (index: number) => Message {
  const templates = Array.from({ length: POOL }, (_, index) => templateOf(kind === 'all-features' ? FEATURES : FEATURES - STORED_FEATURES, kind === 'stored-features', index));
  return (index) => {
    const { before, after, headers } = templates[index % POOL]!;
    return { key: String(index), value: `${before}"id":"${index}"${after}`, headers };
  };
}

function templateOf(columns: number, withEntity: boolean, index: number): Template {
  const features = Object.fromEntries(featureNames.slice(0, columns).map((name, column) => [name, featureValue(index, column)]));
  const data: PredictionRequested = { model: MODEL, features, ...(withEntity && { entities: { [ENTITY_ROLE]: entityId(index % ENTITIES) } }) };
  const { value, headers } = encodeEvent('prediction.requested.v1', { id: '@', source: '/bench', timeMs: EVENT_TIME_MS + index, data });
  const at = value.indexOf(ID_MARK);
  return { before: value.slice(0, at), after: value.slice(at + ID_MARK.length), headers };
}

export const entityId = (index: number): string => `customer-${index}`;

/** The same row in the Open Inference Protocol: one matrix of one row. */
export const inferBody = (index: number): string =>
  JSON.stringify({ inputs: [{ name: 'input', shape: [1, FEATURES], datatype: 'FP32', data: featureNames.map((_, column) => featureValue(index, column)) }] });
