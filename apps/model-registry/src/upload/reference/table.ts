import { ContractError } from '@throughline/contracts';
import { readNumber } from '@throughline/features';
import type { Cell, ColumnKind, ReferenceTable } from '../../domain/baseline.js';
import { SCORE } from '../../domain/names.js';

/** Rows a profile is made of; more would add nothing to 60 bins. */
export const MAX_REFERENCE_ROWS = 500_000;

/** Collects the wanted columns of a reference, whatever its format, and converts values as serving does. */
export class TableBuilder {
  private readonly columns: ReadonlyMap<string, Cell[]>;
  private rows = 0;

  constructor(private readonly wanted: ReadonlyMap<string, ColumnKind>) {
    this.columns = new Map([...wanted.keys()].map((name) => [name, []]));
  }

  /** @throws ContractError `invalid_request` when a wanted column is not among them */
  expectColumns(names: Iterable<string>): void {
    const present = new Set(names);
    const missing = [...this.wanted.keys()].filter((name) => !present.has(name));
    if (missing.length === 0) return;
    throw badReference(`it lacks the column(s) ${missing.slice(0, 20).map((name) => `“${name}”`).join(', ')}`, `One column a feature, by its name, and “${SCORE}” with the model’s own answers.`);
  }

  /** @param read the raw value of a column, `undefined` if the row has none */
  addRow(read: (column: string) => unknown): void {
    if (this.rows >= MAX_REFERENCE_ROWS) throw badReference(`it has more than ${MAX_REFERENCE_ROWS} rows`, 'Send a random sample.');
    this.rows += 1;
    for (const [name, kind] of this.wanted) this.columns.get(name)!.push(this.convert(name, kind, read(name)));
  }

  finish(): ReferenceTable {
    if (this.rows === 0) throw badReference('it has no rows', 'Send some hundred rows at least; tests of drift need 500.');
    return { rowCount: this.rows, columns: this.columns };
  }

  private convert(name: string, kind: ColumnKind, raw: unknown): Cell {
    const value = typeof raw === 'bigint' ? Number(raw) : raw;
    if (value === undefined || value === null || value === '') return null;
    if (kind === 'categorical' && typeof value === 'string') return value;
    const number = kind === 'numeric' && isScalar(value) ? readNumber(value) ?? decimal(value) : undefined;
    if (number !== undefined) return number;
    throw badReference(`row ${this.rows}: “${name}” is not ${kind === 'numeric' ? 'a number' : 'text'}`, 'Send the values as the model gets them.');
  }
}

export const badReference = (reason: string, cure: string): ContractError => new ContractError('invalid_request', `reference: ${reason}`, { cure });

/** More of it than anybody needs. */
export const tooMuch = (reason: string): ContractError => badReference(reason, 'Send a random sample, or fewer features.');

const isScalar = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);

/** Text formats have no other way to write a fraction. */
function decimal(value: string | number | boolean): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^nan$/i.test(text)) return Number.NaN;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true' ? 1 : 0;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
