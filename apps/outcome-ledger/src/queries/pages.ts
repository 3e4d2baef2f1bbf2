import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { EntityRoles } from '../erasure/entity-roles.js';
import { Parameters } from '../erasure/holding.js';
import { ModelClocks } from '../labels/model-clocks.js';
import { HashKeys } from '../privacy/hash-keys.js';
import { limitStatementTime, tooSlowSays } from '../store/statement-time.js';
import { asksOfJoins, conditionsOf, isFoundByJoin, type Sought } from './conditions.js';
import { durationMs, entityOf, type PredictionFilter } from './domain/filter.js';

/** The last row of a page: what follows comes after it. Event times have milliseconds. */
export interface Position {
  readonly occurredAtMs: number;
  readonly predictionId: string;
}

export interface PageRequest {
  readonly filter: PredictionFilter;
  /** Of `p` (predictions) and `j` (their joins). */
  readonly columns: string;
  readonly order: 'newest_first' | 'oldest_first';
  readonly after: Position | undefined;
  readonly limit: number;
  /** Conditions beyond the filter's. */
  readonly only?: string;
  readonly limitMs: number;
}

/** A model and the event time from which its predictions are meant. */
interface Since {
  readonly model: string;
  readonly since: string;
}

/** Years before it PostgreSQL writes otherwise than Date. */
const YEAR_1_MS = Date.parse('0001-01-01T00:00:00.000Z');
const ORDERS = { newest_first: { direction: 'DESC', beyond: '<' }, oldest_first: { direction: 'ASC', beyond: '>' } } as const;

/** Reads predictions page by page in the order of their event time, each that matches exactly once while rows arrive. */
@Injectable()
export class Pages {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(HashKeys) private readonly keys: HashKeys,
    @Inject(EntityRoles) private readonly roles: EntityRoles,
    @Inject(ModelClocks) private readonly clocks: ModelClocks,
  ) {}

  /**
   * The rows, which have `occurred_at` and `prediction_id` besides the columns asked for.
   *
   * @throws ContractError `query_too_slow` when no index helps and there are too many rows to look at them all, `invalid_request` for a duration that is none
   */
  async read<Row>(request: PageRequest): Promise<(Row & { occurred_at: Date; prediction_id: string })[]> {
    const { filter, limitMs } = request;
    const models = await this.modelsOf(filter);
    if (models.length === 0) return [];
    const parameters = new Parameters();
    const sql = pageSql(request, models, await this.soughtOf(filter), filter.routingKey === undefined ? undefined : this.keys.formsOf(filter.routingKey), parameters);
    const work = inTransaction(this.dataSource, async (manager) => {
      await limitStatementTime(manager, limitMs);
      return manager.query<(Row & { occurred_at: Date; prediction_id: string })[]>(sql, parameters.values);
    });
    return tooSlowSays(work, `looking for these predictions takes longer than ${limitMs / 1000} s`, 'Name a model and a shorter period (from and to, or last) first; entity, team, state, wrong and fallback have indexes, the other fields are looked at row by row.');
  }

  private async soughtOf({ entity }: PredictionFilter): Promise<Sought | undefined> {
    if (entity === undefined) return undefined;
    const roles = await this.roles.all();
    const { role, id } = entityOf(entity, roles);
    return { forms: this.keys.formsOf(id), role, roles };
  }

  private async modelsOf({ model, from = '-infinity', last }: PredictionFilter): Promise<Since[]> {
    const models = model === undefined ? (await query<{ model: string }>(this.dataSource, 'SELECT DISTINCT model FROM tally')).map((row) => row.model) : [model];
    if (last === undefined) return models.map((one) => ({ model: one, since: from }));
    const lengthMs = durationMs(last);
    if (lengthMs === undefined) throw new ContractError('invalid_request', 'last is a number of minutes, hours, days or weeks, such as 90m, 24h, 7d or 2w');
    const wallMs = Date.now();
    const clocks = new Map((await this.clocks.all(wallMs)).map((clock) => [clock.model, clock.nowMs]));
    const earliestMs = from === '-infinity' ? YEAR_1_MS : Date.parse(from);
    return models.map((one) => ({ model: one, since: new Date(Math.max((clocks.get(one) ?? wallMs) - lengthMs, earliestMs)).toISOString() }));
  }
}

/** Of the rows that a page has, one index probe each, in one partition. */
const ROW_SQL = 'SELECT * FROM prediction r WHERE r.prediction_id = n.prediction_id AND r.day = n.day LIMIT 1';
const JOIN_SQL = 'SELECT * FROM prediction_joined r WHERE r.prediction_id = n.prediction_id AND r.day = n.day LIMIT 1';

/** One index range a model, of no more than what the filter asks for; the few rows of each are then merged and read. */
function pageSql({ filter, columns, order, after, limit, only }: PageRequest, models: readonly Since[], sought: Sought | undefined, routingKeys: readonly string[] | undefined, parameters: Parameters): string {
  const { direction, beyond } = ORDERS[order];
  const main = isFoundByJoin(filter) ? 'j' : 'p';
  const conditions = [
    `${main}.model = m.model`, `${main}.occurred_at >= m.since`,
    ...(filter.to === undefined ? [] : [`${main}.occurred_at < ${parameters.add(filter.to, 'timestamptz')}`]),
    ...(after === undefined ? [] : [`(${main}.occurred_at, ${main}.prediction_id) ${beyond} (${parameters.add(new Date(after.occurredAtMs), 'timestamptz')}, ${parameters.add(after.predictionId, 'uuid')})`]),
    ...conditionsOf(filter, sought, routingKeys, parameters), ...(only === undefined ? [] : [only]),
  ].join(' AND ');
  const most = parameters.add(limit, 'int');
  const driver = `unnest(${parameters.add(models.map(({ model }) => model), 'text[]')}, ${parameters.add(models.map(({ since }) => since), 'timestamptz[]')}) AS m(model, since)`;
  const found = main === 'j' ? `prediction_joined j ${onSamePrediction('JOIN prediction p')}` : `prediction p ${asksOfJoins(filter) ? onSamePrediction('LEFT JOIN prediction_joined j') : ''}`;
  const narrow = `SELECT ${main}.occurred_at, ${main}.prediction_id, ${main}.day FROM ${found} WHERE ${conditions} ORDER BY ${main}.occurred_at ${direction}, ${main}.prediction_id ${direction} LIMIT ${most}`;
  const merged = `SELECT l.* FROM ${driver} CROSS JOIN LATERAL (${narrow}) l ORDER BY l.occurred_at ${direction}, l.prediction_id ${direction} LIMIT ${most}`;
  return `SELECT n.occurred_at, n.prediction_id, ${columns} FROM (${merged}) n CROSS JOIN LATERAL (${ROW_SQL}) p LEFT JOIN LATERAL (${JOIN_SQL}) j ON true
    ORDER BY n.occurred_at ${direction}, n.prediction_id ${direction}`;
}

const onSamePrediction = (join: string): string => `${join} ON j.prediction_id = p.prediction_id AND j.day = p.day`;
