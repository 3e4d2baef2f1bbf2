import type { MigrationInterface, QueryRunner } from 'typeorm';
import { MAX_TEAMS_A_DAY, OTHER_TEAMS } from './spending-store.js';

/** What predictions cost and were worth, by day, and which teams have rows of their own. Stays when the predictions go. */
export class Spending1764370000000 implements MigrationInterface {
  readonly name = 'Spending1764370000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [SPENDING, TEAM, JOINED_TEAM, ...TAKE_OVER]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE prediction_joined DROP COLUMN team');
    await runner.query('DROP TABLE spending_team, spending');
  }
}

/** Few rows that every batch adds to: room on the page keeps an update from moving them. */
const SPENDING = `CREATE TABLE spending (
  day date NOT NULL,
  model text NOT NULL,
  version text NOT NULL,
  team text NOT NULL,
  role text NOT NULL,
  answers bigint NOT NULL,
  unmeasured bigint NOT NULL,
  compute_micro_usd double precision NOT NULL,
  features_micro_usd double precision NOT NULL,
  storage_micro_usd double precision NOT NULL,
  known bigint NOT NULL,
  valued bigint NOT NULL,
  value_micro_usd double precision NOT NULL,
  PRIMARY KEY (day, model, version, team, role)
) WITH (fillfactor = 50)`;

const TEAM = `CREATE TABLE spending_team (
  day date NOT NULL,
  team text NOT NULL,
  PRIMARY KEY (day, team)
)`;

const JOINED_TEAM = `ALTER TABLE prediction_joined ADD COLUMN team text;
UPDATE prediction_joined j SET team = p.team FROM prediction p WHERE p.prediction_id = j.prediction_id AND p.day = j.day AND p.team IS NOT NULL`;

const ANSWERED = `SELECT day, prediction_id, model, version, left(coalesce(team, ''), 200) AS team, role, cost_micro_usd`;
/** What a ledger from before these books holds: what its answers said of their compute. Reads and storage had no prices then, and outcomes no worth. */
const TAKE_OVER = [
  `INSERT INTO spending_team SELECT day, team FROM (
    SELECT day, team, row_number() OVER (PARTITION BY day ORDER BY team) AS place FROM (SELECT DISTINCT day, left(team, 200) AS team FROM prediction WHERE team <> '' AND state <> 'rejected') d) n
    WHERE place <= ${MAX_TEAMS_A_DAY}`,
  `INSERT INTO spending SELECT p.day, p.model, p.version, CASE WHEN p.team = '' OR t.team IS NOT NULL THEN p.team ELSE '${OTHER_TEAMS}' END, p.role,
      count(*), count(*) FILTER (WHERE p.cost_micro_usd IS NULL), coalesce(sum(p.cost_micro_usd), 0), 0, 0, count(j.prediction_id), 0, 0
    FROM (${ANSWERED}, true AS is_answer FROM prediction WHERE state <> 'rejected' UNION ALL ${ANSWERED}, false FROM prediction_shadow) p
    LEFT JOIN prediction_joined j ON p.is_answer AND j.prediction_id = p.prediction_id AND j.day = p.day
    LEFT JOIN spending_team t ON t.day = p.day AND t.team = p.team GROUP BY 1, 2, 3, 4, 5`,
];
