import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { againstCeiling, lineOf, sumOfRows, type CostLine, type Group, type SpendingRow } from './domain/report.js';
import { PolicyCeilings } from './policy-ceilings.js';

export interface CostQuestion {
  /** UTC days of the requests, from (inclusive) and to (exclusive), `YYYY-MM-DD`. */
  readonly from: string;
  readonly to: string;
  readonly model?: string | undefined;
  readonly groupBy: readonly Group[];
}

export interface CostReport extends CostQuestion {
  readonly lines: readonly CostLine[];
  readonly total: CostLine;
  /** Whether there were more lines than are told. */
  readonly truncated: boolean;
}

/** A year of 200 teams is more than anybody reads. */
const MAX_LINES = 5_000;

/** A model's sums, for gauges. */
export type ModelSpending = SpendingRow & { readonly model: string; readonly version: string };

/** Reads the books of money. */
@Injectable()
export class Costs {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource, @Inject(PolicyCeilings) private readonly ceilings: PolicyCeilings) {}

  async report(question: CostQuestion): Promise<CostReport> {
    const rows = await this.rows(question);
    const truncated = rows.length > MAX_LINES;
    const lines = rows.slice(0, MAX_LINES).map(lineOf);
    return { ...question, lines: await this.withCeilings(lines, question), total: lineOf(sumOfRows(truncated ? await this.rows({ ...question, groupBy: [] }) : rows)), truncated };
  }

  /** Of all days. */
  async byVersion(): Promise<ModelSpending[]> {
    return (await this.rows({ from: '-infinity', to: 'infinity', groupBy: ['model', 'version'] })) as ModelSpending[];
  }

  private rows({ from, to, model, groupBy }: CostQuestion): Promise<SpendingRow[]> {
    // The names of groups are a closed list, not what was sent.
    const groups = groupBy.map((group) => (group === 'day' ? 'day::text AS day' : group));
    const places = groupBy.map((_, index) => index + 1).join(', ');
    return query<SpendingRow>(this.dataSource, `SELECT ${[...groups, SUMS].join(', ')} FROM spending
      WHERE day >= $1 AND day < $2 AND ($3::text IS NULL OR model = $3) ${places === '' ? '' : `GROUP BY ${places} ORDER BY ${places} LIMIT ${MAX_LINES + 1}`}`, [from, to, model ?? null]);
  }

  private async withCeilings(lines: readonly CostLine[], { model, groupBy }: CostQuestion): Promise<CostLine[]> {
    const modelOf = (line: CostLine): string | undefined => (groupBy.includes('model') ? (line.model ?? undefined) : model);
    const known = await this.ceilings.of([...new Set(lines.flatMap((line) => modelOf(line) ?? []))]);
    return lines.map((line) => {
      const name = modelOf(line);
      return name === undefined ? line : againstCeiling(line, known.get(name) ?? null);
    });
  }
}

const sum = (column: string, filter = ''): string => `coalesce(sum(${column})${filter}, 0)::float8`;
const SUMS = `${sum('answers', ` FILTER (WHERE role <> 'shadow')`)} AS predictions, ${sum('answers', ` FILTER (WHERE role = 'shadow')`)} AS shadows, ${sum('unmeasured')} AS unmeasured,
  ${sum('compute_micro_usd')} AS "computeMicroUsd", ${sum('features_micro_usd')} AS "featuresMicroUsd", ${sum('storage_micro_usd')} AS "storageMicroUsd",
  ${sum('known')} AS known, ${sum('valued')} AS valued, ${sum('value_micro_usd')} AS "valueMicroUsd"`;
