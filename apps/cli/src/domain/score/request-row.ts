import { ContractError, whyInvalid, type PredictionRequested } from '@throughline/contracts';
import type { ColumnPlan } from './column-plan.js';

export interface RequestOptions {
  readonly model: string;
  readonly version?: string | undefined;
  readonly team?: string | undefined;
  readonly deadlineMs?: number | undefined;
}

/**
 * The request that asks for a row.
 *
 * @throws ContractError `schema_invalid` when the row cannot be asked for: a list where a value belongs, a time without a zone
 */
export function requestOfRow(cells: readonly unknown[], plan: ColumnPlan, options: RequestOptions): PredictionRequested {
  const features: Record<string, unknown> = {};
  for (const { name, index, datatype } of plan.features) {
    const value = featureValue(cells[index], datatype);
    if (value !== null) features[name] = value;
  }
  const entities = plan.entities.flatMap(({ role, index }) => {
    const id = textOf(cells[index]);
    return id === undefined ? [] : [[role, id] as const];
  });
  const at = (index: number | undefined): string | undefined => (index === undefined ? undefined : textOf(cells[index]));
  const request = withoutAbsent({
    ...options, features, entities: entities.length === 0 ? undefined : Object.fromEntries(entities), occurredAt: at(plan.occurredAt), routingKey: at(plan.routingKey),
  });
  const invalid = whyInvalid('prediction.requested.batch.v1', request);
  if (invalid !== undefined) throw new ContractError('schema_invalid', invalid, { cure: 'Correct the row; features are numbers, text, true or false, times have a zone.' });
  return request as PredictionRequested;
}

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOT_FINITE: Readonly<Record<string, string>> = { nan: 'NaN', inf: 'Infinity', '+inf': 'Infinity', infinity: 'Infinity', '+infinity': 'Infinity', '-inf': '-Infinity', '-infinity': '-Infinity' };

/**
 * A cell as a feature on the wire: what is empty is missing (null); text becomes a number or a truth value where the tensor wants one; NaN and
 * infinities, and integers beyond 2^53, travel as text. What does not fit is left as it is: the worker says so, in its answer.
 */
export function featureValue(cell: unknown, datatype: string): unknown {
  if (cell === null || cell === undefined || cell === '') return null;
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) && datatype !== 'BYTES' ? Number(cell) : cell.toString();
  if (cell instanceof Date) return textOf(cell);
  if (datatype === 'BYTES') return typeof cell === 'number' || typeof cell === 'boolean' ? String(cell) : cell;
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : String(cell);
  return typeof cell === 'string' ? fromText(cell.trim(), datatype) : cell;
}

function fromText(text: string, datatype: string): unknown {
  if (datatype === 'BOOL' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (INTEGER.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
  return NUMBER.test(text) ? Number(text) : (NOT_FINITE[text.toLowerCase()] ?? text);
}

/** A cell as text; `undefined` when it is empty. */
export function textOf(cell: unknown): string | undefined {
  if (cell === null || cell === undefined || cell === '') return undefined;
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? undefined : cell.toISOString();
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell as string | number | bigint | boolean);
}

const withoutAbsent = (fields: Readonly<Record<string, unknown>>): object => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
