import { holds, type Parameters } from '../erasure/holding.js';
import type { PredictionFilter } from './domain/filter.js';

/** Whom a filter's `entity` means, in every spelling that rows may have. */
export interface Sought {
  readonly forms: readonly string[];
  readonly role: string | undefined;
  /** Every role that rows have. */
  readonly roles: readonly string[];
}

/** What a filter asks of predictions `p` and their joins `j`; models and event time are the page's. */
export function conditionsOf(filter: PredictionFilter, sought: Sought | undefined, routingKeys: readonly string[] | undefined, parameters: Parameters): string[] {
  const equal = (column: string, value: string | undefined): string[] => (value === undefined ? [] : [`${column} = ${parameters.add(value, 'text')}`]);
  const bound = (sql: string, value: number | undefined): string[] => (value === undefined ? [] : [`${sql} ${parameters.add(value, 'float8')}`]);
  const { stage, minStageMs } = filter;
  return [
    ...equal('p.version', filter.version), ...equal('p.team', filter.team), ...equal('p.role', filter.role), ...equal('p.lane', filter.lane), ...stateOf(filter, parameters),
    ...(sought === undefined ? [] : [holds(sought, sought.roles, parameters, { isRoutingKeyMeant: false })]),
    ...(routingKeys === undefined ? [] : [`p.routing_key = ANY(${parameters.add(routingKeys, 'text[]')})`]),
    ...outcomeOf(filter),
    ...errorOf(filter, parameters), ...bound('p.score >=', filter.minScore), ...bound('p.score <=', filter.maxScore),
    ...bound('j.value_micro_usd >=', filter.minValueMicroUsd), ...bound('j.value_micro_usd <=', filter.maxValueMicroUsd),
    ...(minStageMs === undefined ? [] : [`(p.timings_ms->>${parameters.add(stage ?? 'total', 'text')})::float8 >= ${parameters.add(minStageMs, 'float8')}`]),
  ];
}

/** Two ranges instead of an absolute value: of a column the planner knows how many rows that is. */
function errorOf({ minAbsError }: PredictionFilter, parameters: Parameters): string[] {
  if (minAbsError === undefined) return [];
  const least = parameters.add(minAbsError, 'float8');
  return [`(j.error >= ${least} OR j.error <= -${least})`];
}

/** Literals, not parameters: partial indexes answer only for conditions that the planner sees. */
function stateOf({ state, code, fallback }: PredictionFilter, parameters: Parameters): string[] {
  return [
    ...(state === undefined ? [] : [`p.state = '${state}'`]),
    ...(code === undefined ? [] : [`p.state = 'rejected' AND p.code = ${parameters.add(code, 'text')}`]),
    ...(fallback === undefined ? [] : [`p.state = 'fallback' AND p.fallback_kind = ${parameters.add(fallback, 'text')}`]),
  ];
}

function outcomeOf({ outcome, wrong }: PredictionFilter): string[] {
  const known = { joined: ['j.prediction_id IS NOT NULL'], pending: [`j.prediction_id IS NULL AND p.state <> 'rejected'`], assumed: ['j.is_assumed'] };
  return [...(outcome === undefined ? [] : known[outcome]), ...(wrong === undefined ? [] : [wrong ? 'NOT j.correct' : 'j.correct'])];
}

/** Whether the filter asks anything of joins. */
export const asksOfJoins = ({ outcome, wrong, minAbsError, minValueMicroUsd, maxValueMicroUsd }: PredictionFilter): boolean =>
  [outcome, wrong, minAbsError, minValueMicroUsd, maxValueMicroUsd].some((one) => one !== undefined);

/** Whether rows are best found from their joins, which have indexes for it. */
export const isFoundByJoin = ({ wrong, outcome }: PredictionFilter): boolean => wrong === true || outcome === 'assumed';
