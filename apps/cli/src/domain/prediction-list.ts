/** A row of the ledger's listing, as far as it is shown. */
export interface ListedPrediction {
  readonly predictionId: string;
  readonly state: string;
  readonly model: string;
  readonly version: string | null;
  readonly team: string | null;
  readonly occurredAt: string;
  readonly score: number | null;
  readonly code: string | null;
  readonly fallback: string | null;
  readonly outcome: unknown;
  readonly assumed: boolean | null;
  readonly correct: boolean | null;
  readonly totalMs: number | null;
}

/** What is asked for, by the names that options and the ledger's interface share. */
export type PredictionFilter = Readonly<Record<string, string | number | boolean>>;

const HEADER = ['prediction', 'event time', 'model', 'answer', 'outcome', 'took'];

/** A line for each prediction, under a header; cells of a table. */
export const listCells = (predictions: readonly ListedPrediction[]): string[][] => [HEADER, ...predictions.map(cellsOf)];

const cellsOf = (one: ListedPrediction): string[] => [
  one.predictionId, one.occurredAt.replace('.000Z', 'Z'), one.version === null ? one.model : `${one.model} ${one.version}`, answerOf(one), outcomeOf(one), one.totalMs === null ? '' : `${one.totalMs.toFixed(1)} ms`,
];

function answerOf({ state, code, score, fallback }: ListedPrediction): string {
  if (state === 'rejected') return `rejected: ${code ?? 'unknown'}`;
  const said = score === null ? 'answered' : score.toPrecision(4);
  return fallback === null ? said : `${said} (fallback: ${fallback})`;
}

function outcomeOf({ state, outcome, assumed, correct }: ListedPrediction): string {
  if (outcome === null || outcome === undefined) return state === 'rejected' ? '' : 'not known yet';
  const verdict = correct === null ? '' : correct ? ', right' : ', wrong';
  return `${String(outcome)}${assumed === true ? ' (assumed)' : ''}${verdict}`;
}
