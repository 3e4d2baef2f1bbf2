export interface UnnestedRows {
  /** To follow FROM: `unnest($1::uuid[], …) AS rows(id, …)`. */
  readonly from: string;
  /** The columns' names, separated by commas. */
  readonly columns: string;
  /** One array per column. */
  readonly parameters: unknown[][];
}

/**
 * Rows as one parameter per column, whatever their number (single parameters end at 65,535, and are three times slower). `unnest` flattens
 * nested arrays: a column that is itself an array must travel as `bytea` or `jsonb`.
 *
 * @example
 * const rows = unnestRows({ id: 'uuid', score: 'float8' }, [{ id, score }]);
 * await query(manager, `INSERT INTO t (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING`, rows.parameters);
 *
 * @param types PostgreSQL type of each column, in the order wanted
 * @param firstParameter number of the first parameter, when others come before
 */
export function unnestRows<C extends string>(
  types: Readonly<Record<C, string>>,
  rows: readonly Readonly<Record<C, unknown>>[],
  firstParameter = 1,
): UnnestedRows {
  const names = Object.keys(types) as C[];
  const columns = names.map((name) => `"${name}"`).join(', ');
  const arrays = names.map((name, index) => `$${firstParameter + index}::${types[name]}[]`).join(', ');
  return { columns, from: `unnest(${arrays}) AS rows(${columns})`, parameters: names.map((name) => rows.map((row) => row[name])) };
}
