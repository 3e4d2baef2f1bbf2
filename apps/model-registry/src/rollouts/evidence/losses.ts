import type { OutcomeDeclaration } from '@throughline/contracts';
import { LOSSES, type Loss } from '../domain/spec.js';
import type { Reading } from './context.js';

/** What an outcome says about one version's score. */
export interface Judged {
  readonly losses: Readonly<Partial<Record<Loss, number>>>;
  /** Millionths of a dollar; absent where nothing is declared or nothing was decided. */
  readonly valueMicroUsd: number | undefined;
}

/** Outcomes as numbers: true is 1, and text none. */
export const outcomeNumber = (outcome: number | boolean | string): number | undefined => (typeof outcome === 'string' ? undefined : Number(outcome));

/**
 * Losses and value of a score, once its outcome is known.
 *
 * A decision is `score >= threshold`; the truth is an outcome of 1 or 0, as the ledger tells it of a classifier by the model's declaration, and of other numbers
 * `outcome >= positiveFrom`. Squared and absolute errors of a classifier are
 * against the truth as 1 or 0, those of a regression against the outcome itself. A value is that of the decision's cell of the confusion matrix.
 */
export function judge(score: number | undefined, outcome: number, { task, threshold }: Reading, declared: OutcomeDeclaration | undefined): Judged {
  if (score === undefined) return { losses: {}, valueMicroUsd: undefined };
  const truth = truthOf(outcome, task, declared);
  const decision = threshold === undefined ? undefined : score >= threshold;
  const target = task === 'binary_classification' ? (truth === undefined ? undefined : Number(truth)) : outcome;
  const losses: Partial<Record<Loss, number>> = {};
  if (decision !== undefined && truth !== undefined) losses.wrong = Number(decision !== truth);
  if (target !== undefined) {
    losses.squared_error = (score - target) ** 2;
    losses.absolute_error = Math.abs(score - target);
  }
  return { losses, valueMicroUsd: valueOf(decision, truth, declared) };
}

function truthOf(outcome: number, task: Reading['task'], declared: OutcomeDeclaration | undefined): boolean | undefined {
  if (task !== 'regression' && (outcome === 1 || outcome === 0)) return outcome === 1;
  return declared?.positiveFrom === undefined ? undefined : outcome >= declared.positiveFrom;
}

function valueOf(decision: boolean | undefined, truth: boolean | undefined, declared: OutcomeDeclaration | undefined): number | undefined {
  const values = declared?.valueMicroUsd;
  if (values === undefined || decision === undefined || truth === undefined) return undefined;
  if (decision) return (truth ? values.truePositive : values.falsePositive) ?? 0;
  return (truth ? values.falseNegative : values.trueNegative) ?? 0;
}

/** The measures of what was judged. */
export function* measuresOf({ losses, valueMicroUsd }: Judged): Generator<[string, number]> {
  for (const loss of LOSSES) if (losses[loss] !== undefined) yield [loss, losses[loss]];
  if (valueMicroUsd !== undefined) yield ['value', valueMicroUsd];
}
