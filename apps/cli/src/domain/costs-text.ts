import { money } from './money-text.js';

/** A line of the ledger's report; money in millionths of a dollar. */
export interface CostLine {
  readonly model?: string;
  readonly version?: string;
  readonly team?: string | null;
  readonly role?: string;
  readonly day?: string;
  readonly predictions: number;
  readonly shadows: number;
  readonly cost: { readonly computeMicroUsd: number; readonly featuresMicroUsd: number; readonly storageMicroUsd: number; readonly totalMicroUsd: number; readonly perPredictionMicroUsd: number | null };
  readonly outcomes: { readonly known: number; readonly coverage: number | null; readonly valued: number };
  readonly valueMicroUsd: number | null;
  readonly netMicroUsd: number | null;
  readonly overCeiling?: boolean | null;
}

export interface CostReport {
  readonly from: string;
  readonly to: string;
  readonly groupBy: readonly (keyof CostLine)[];
  readonly lines: readonly CostLine[];
  readonly total: CostLine;
  readonly truncated: boolean;
}

/** Rows of the table, its head first, the total last. */
export function costRows({ groupBy, lines, total }: CostReport): (string | number)[][] {
  const head = [...groupBy, 'predictions', 'compute', 'features', 'storage', 'cost', 'per million', 'outcomes known', 'value', 'net', ''];
  const named = lines.map((line) => [...groupBy.map((group) => String(line[group] ?? '-')), ...figures(line)]);
  return groupBy.length === 0 ? [head, figures(total)] : [head, ...named, [...groupBy.map((_, index) => (index === 0 ? 'total' : '')), ...figures(total)]];
}

function figures({ predictions, cost, outcomes: { coverage }, valueMicroUsd, netMicroUsd, overCeiling }: CostLine): (string | number)[] {
  // A millionth of a dollar a prediction is a dollar for a million of them.
  const perMillion = cost.perPredictionMicroUsd === null ? null : cost.perPredictionMicroUsd * 1e6;
  return [predictions, money(cost.computeMicroUsd), money(cost.featuresMicroUsd), money(cost.storageMicroUsd), money(cost.totalMicroUsd), money(perMillion),
    coverage === null ? '-' : `${(100 * coverage).toFixed(1)} %`, money(valueMicroUsd), money(netMicroUsd), overCeiling === true ? 'over its ceiling' : ''];
}

/** What has to be known to read the table. */
export function costNotes({ total, truncated }: CostReport): string[] {
  return [
    'Costs are estimates: measured compute at a price, reads of features, and storage for as long as predictions are kept.',
    ...(total.valueMicroUsd === null ? ['No value is known: no outcome has come, or the models’ policies declare none (outcome.valueMicroUsd).'] : [`Value is of the ${total.outcomes.valued.toLocaleString('en-US')} predictions whose outcome is known and worth something declared; of the others it is not known, which is not 0.`]),
    ...(total.shadows > 0 ? [`${total.shadows.toLocaleString('en-US')} answers of shadows are in the costs and not among the predictions.`] : []),
    ...(truncated ? ['There were more lines than are told: name a model, or a shorter period.'] : []),
  ];
}

const BAR_WIDTH = 40;

/** What each day cost, as bars on the scale of the dearest, with its predictions; nothing unless days are told apart and there are several. */
export function costPlot({ groupBy, lines }: CostReport): string[] {
  if (!groupBy.includes('day')) return [];
  const days = [...Map.groupBy(lines, ({ day }) => day ?? '-')].sort(([a], [b]) => a.localeCompare(b)).map(([day, some]) => ({
    day, microUsd: some.reduce((sum, { cost }) => sum + cost.totalMicroUsd, 0), predictions: some.reduce((sum, { predictions }) => sum + predictions, 0),
  }));
  if (days.length < 2) return [];
  const most = Math.max(...days.map(({ microUsd }) => microUsd), Number.MIN_VALUE);
  const amounts = Math.max(...days.map(({ microUsd }) => money(microUsd).length));
  return ['Cost by day', ...days.map(({ day, microUsd, predictions }) => `  ${day} ${'█'.repeat(Math.ceil((microUsd / most) * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')} ${money(microUsd).padStart(amounts)}, ${predictions.toLocaleString('en-US')} predictions`)];
}
