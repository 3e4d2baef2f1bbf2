import type { EntityManager } from 'typeorm';
import { recordset, rowsParameter } from '../store/rows.js';
import { sumOfSpending, type Spending } from './domain/spending.js';

/** Teams of a day that have rows of their own; a team is any text that a requester sends, and the books must stay small. */
export const MAX_TEAMS_A_DAY = 200;
/** Whom the predictions of all further teams are put down to. */
export const OTHER_TEAMS = '(other teams)';

const COLUMNS = {
  day: 'date', model: 'text', version: 'text', team: 'text', role: 'text', answers: 'bigint', unmeasured: 'bigint', compute_micro_usd: 'double precision',
  features_micro_usd: 'double precision', storage_micro_usd: 'double precision', known: 'bigint', valued: 'bigint', value_micro_usd: 'double precision',
} as const;
const KEYS = ['day', 'model', 'version', 'team', 'role'];
const SUMS = Object.keys(COLUMNS).filter((name) => !KEYS.includes(name));

/**
 * A team keeps its place for the day once it has one, and gets none once the day is full: so value and corrections that come weeks later are put
 * down where the cost was. Two transactions that admit at the same time may go over the bound by a few.
 */
const ADMIT_TEAMS = `INSERT INTO spending_team (day, team)
  SELECT n.day, n.team FROM (
    SELECT r.day, r.team, row_number() OVER (PARTITION BY r.day ORDER BY r.team) + (SELECT count(*) FROM spending_team t WHERE t.day = r.day) AS place
    FROM ${recordset(1, { day: 'date', team: 'text' })} WHERE NOT EXISTS (SELECT FROM spending_team t WHERE t.day = r.day AND t.team = r.team)) n
  WHERE n.place <= ${MAX_TEAMS_A_DAY} ORDER BY n.day, n.team ON CONFLICT DO NOTHING`;

/** Takes the rows of `spendingRows` as $1. */
export const ADD_SPENDING = `INSERT INTO spending (${Object.keys(COLUMNS).join(', ')})
  SELECT r.day, r.model, r.version, b.team, r.role, ${SUMS.map((name) => `sum(r.${name})`).join(', ')}
  FROM ${recordset(1, COLUMNS)} LEFT JOIN spending_team t ON t.day = r.day AND t.team = r.team
  CROSS JOIN LATERAL (SELECT CASE WHEN r.team = '' OR t.team IS NOT NULL THEN r.team ELSE '${OTHER_TEAMS}' END AS team) b
  GROUP BY r.day, r.model, r.version, b.team, r.role ORDER BY r.day, r.model, r.version, b.team, r.role
  ON CONFLICT (day, model, version, team, role) DO UPDATE SET ${SUMS.map((name) => `${name} = spending.${name} + excluded.${name}`).join(', ')}`;

export interface SpendingRow {
  readonly sum: Spending;
  readonly row: object;
}

/** What is to be added, a row a day, model, version, team and role. */
export const spendingRows = (all: readonly Spending[]): SpendingRow[] => sumOfSpending(all).map((sum) => ({ sum, row: rowOf(sum) }));

/** Gives teams that are new on their day a place, as long as there is one. */
export async function admitTeams(manager: EntityManager, rows: readonly SpendingRow[]): Promise<void> {
  const named = rows.filter(({ sum: { team, answers } }) => team !== '' && answers > 0);
  const teams = [...new Map(named.map(({ sum: { day, team } }) => [`${day}\n${team}`, { day, team }])).values()];
  if (teams.length > 0) await manager.query(ADMIT_TEAMS, [rowsParameter(teams)]);
}

const rowOf = (one: Spending): object => ({
  day: one.day, model: one.model, version: one.version, team: one.team, role: one.role, answers: one.answers, unmeasured: one.unmeasured, compute_micro_usd: one.computeMicroUsd,
  features_micro_usd: one.featuresMicroUsd, storage_micro_usd: one.storageMicroUsd, known: one.known, valued: one.valued, value_micro_usd: one.valueMicroUsd,
});
