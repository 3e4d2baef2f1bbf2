import type { PredictionRecord } from '../../domain/prediction.js';
import { costOf, usageOf, type Prices } from './cost.js';

/** What the spending of a day is kept by. */
export interface SpendingKey {
  /** UTC day of `requestedAt`, `YYYY-MM-DD`. */
  readonly day: string;
  readonly model: string;
  readonly version: string;
  /** '' for none. */
  readonly team: string;
  readonly role: string;
}

/** Numbers to be added to the books of a day; all may be negative. */
export interface SpendingSums {
  readonly answers: number;
  /** Of these, those that say nothing of their compute. */
  readonly unmeasured: number;
  readonly computeMicroUsd: number;
  readonly featuresMicroUsd: number;
  readonly storageMicroUsd: number;
  /** Answers whose outcome is known. */
  readonly known: number;
  /** Of these, those whose outcome is worth something by the model's declaration, be it 0. */
  readonly valued: number;
  readonly valueMicroUsd: number;
}

export type Spending = SpendingKey & SpendingSums;

const NOTHING: SpendingSums = { answers: 0, unmeasured: 0, computeMicroUsd: 0, featuresMicroUsd: 0, storageMicroUsd: 0, known: 0, valued: 0, valueMicroUsd: 0 };

/** What an answer cost; `undefined` for a rejection. */
export function spendingOfAnswer(record: PredictionRecord, prices: Prices): Spending | undefined {
  const usage = usageOf(record);
  if (usage === undefined || record.version === undefined) return undefined;
  const { computeMicroUsd, featuresMicroUsd, storageMicroUsd } = costOf(usage, prices);
  return {
    ...keyOf({ ...record, version: record.version, role: record.answer!.role }), ...NOTHING,
    answers: 1, unmeasured: computeMicroUsd === undefined ? 1 : 0, computeMicroUsd: computeMicroUsd ?? 0, featuresMicroUsd, storageMicroUsd,
  };
}

/** The value of a prediction, known or not, as a join left it. */
export interface Valuation {
  readonly valueMicroUsd?: number | undefined;
}

/** Whose value it is. */
export interface Valued {
  readonly day: string;
  readonly model: string;
  readonly version: string;
  readonly team?: string | undefined;
  readonly role: string;
}

/** How a join changes the books: the difference to what the one before it had put there. */
export function spendingOfJoin(prediction: Valued, before: Valuation | undefined, after: Valuation | undefined): Spending {
  const count = (one: Valuation | undefined): number => (one?.valueMicroUsd === undefined ? 0 : 1);
  return {
    ...keyOf(prediction), ...NOTHING,
    known: Number(after !== undefined) - Number(before !== undefined), valued: count(after) - count(before), valueMicroUsd: (after?.valueMicroUsd ?? 0) - (before?.valueMicroUsd ?? 0),
  };
}

/** An answer that a later attempt replaced answers nothing any more. What it cost was spent, and stays. */
export const spendingOfDisplaced = (prediction: Valued): Spending => ({ ...keyOf(prediction), ...NOTHING, answers: -1 });

const keyOf = ({ day, model, version, team, role }: Valued): SpendingKey => ({ day, model, version, team: team?.slice(0, TEAM_MAX_CHARACTERS) ?? '', role });
/** What PostgreSQL's index takes with ease; contracts allow no longer ones. */
const TEAM_MAX_CHARACTERS = 200;

/** One row a key, sorted: every transaction then locks the rows of the books in the same order. */
export function sumOfSpending(all: readonly Spending[]): Spending[] {
  const sums = new Map<string, Writable<Spending>>();
  for (const one of all) {
    const key = `${one.day}\n${one.model}\n${one.version}\n${one.team}\n${one.role}`;
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...one });
    else add(sum, one);
  }
  return [...sums].filter(([, sum]) => MEASURES.some((measure) => sum[measure] !== 0)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

const MEASURES = Object.keys(NOTHING) as readonly (keyof SpendingSums)[];
type Writable<T> = { -readonly [K in keyof T]: T[K] };

function add(sum: Writable<Spending>, one: Spending): void {
  for (const measure of MEASURES) sum[measure] += one[measure];
}
