import type { OutcomeDeclaration, OutcomeObserved } from '@throughline/contracts';
import { compileOutcomeExpression, type OutcomeExpression } from '@throughline/rules';
import type { Task } from '../../domain/outcome.js';

type OutcomeValue = OutcomeObserved['value'];

/** What a model declares of its outcomes, ready to be applied. */
export interface Declared {
  readonly declaration: OutcomeDeclaration;
  /** Of the deployment that says so. */
  readonly revision: number;
  readonly expression: OutcomeExpression | undefined;
  /** Why the expression cannot be used; then no outcome of the model can be judged. */
  readonly fault: string | undefined;
}

/** How a version's scores and outcomes are to be read. */
export interface OutcomeReading {
  readonly task: Task | undefined;
  /** A score at or above it is a positive decision. */
  readonly threshold: number | undefined;
  readonly declared?: Declared | undefined;
}

/** What is judged: the value as it was sent, who sent it, and how long after the prediction it was true. */
export interface Statement {
  readonly value: OutcomeValue;
  readonly source: string;
  readonly delaySeconds: number;
}

export type Judgement = { readonly truth: OutcomeValue; readonly misfit?: undefined } | { readonly truth?: undefined; readonly misfit: string };

export function declare(declaration: OutcomeDeclaration, revision: number): Declared {
  const { expression } = declaration;
  if (expression === undefined) return { declaration, revision, expression: undefined, fault: undefined };
  try {
    return { declaration, revision, expression: compileOutcomeExpression(expression), fault: undefined };
  } catch (error) {
    return { declaration, revision, expression: undefined, fault: (error as Error).message };
  }
}

/**
 * The truth that a statement makes, as the model declares it: first the expression, if there is one, computes a value; a number then is true or
 * false by `positiveFrom`, except of a regression model, whose outcome stays the number; the result must be what the version's task asks for.
 * Without a declaration the value itself is the truth. Of an unknown task any value is.
 */
export function judge(reading: OutcomeReading | undefined, statement: Statement): Judgement {
  const computed = compute(reading?.declared, statement);
  if (computed.misfit !== undefined) return computed;
  const { truth: value } = computed;
  const task = reading?.task;
  const positiveFrom = reading?.declared?.declaration.positiveFrom;
  const truth = positiveFrom !== undefined && typeof value === 'number' && task !== 'regression' ? value >= positiveFrom : value;
  const misfit = misfitOf(task, truth);
  return misfit === undefined ? { truth } : { misfit };
}

function compute(declared: Declared | undefined, { value, source, delaySeconds }: Statement): Judgement {
  if (declared?.fault !== undefined) return { misfit: `the model’s declaration cannot be used: ${declared.fault}` };
  if (declared?.expression === undefined) return { truth: value };
  const isText = typeof value === 'string';
  try {
    const truth = declared.expression.evaluate({ value: isText ? Number.NaN : Number(value), text: isText ? value : '', source, delaySeconds });
    if (typeof truth === 'boolean' || Number.isFinite(truth)) return { truth };
    return { misfit: `the declared expression yields no number of ${describe(value)}` };
  } catch (error) {
    // The summary may repeat the value; the code does not.
    return { misfit: `the declared expression fails: ${((error as { code?: string }).code ?? 'internal').replaceAll('_', ' ')}` };
  }
}

function misfitOf(task: Task | undefined, truth: OutcomeValue): string | undefined {
  if (task === 'binary_classification' && typeof truth !== 'boolean' && truth !== 0 && truth !== 1) return `a binary model’s outcome is true, false, 1 or 0, not ${describe(truth)}`;
  if (task === 'regression' && typeof truth !== 'number') return `a regression model’s outcome is a number, not ${describe(truth)}`;
  return undefined;
}

// The value itself stays out: reasons go to logs and headers.
const describe = (value: OutcomeValue): string => (typeof value === 'number' ? 'another number' : `a ${typeof value}`);

/** A truth as a number: true is 1, false is 0; text has none. */
export const truthNumber = (truth: OutcomeValue): number | undefined => (typeof truth === 'string' ? undefined : Number(truth));

/** Whether a truth is a positive one: true, or 1, or a number at or above `positiveFrom`; `undefined` where that has no meaning. */
export function isPositive({ task, declared }: OutcomeReading, truth: OutcomeValue): boolean | undefined {
  const number = truthNumber(truth);
  const positiveFrom = declared?.declaration.positiveFrom;
  if (number === undefined) return undefined;
  if (task === 'regression') return positiveFrom === undefined ? undefined : number >= positiveFrom;
  return number === 1 || number === 0 ? number === 1 : undefined;
}

/**
 * What the decision on a score was worth once its truth is known: its cell of the confusion matrix, 0 for a cell that is not declared.
 *
 * @returns millionths of a dollar; `undefined` where nothing is declared or nothing was decided
 */
export function valueMicroUsd(reading: OutcomeReading | undefined, score: number | undefined, truth: OutcomeValue): number | undefined {
  const values = reading?.declared?.declaration.valueMicroUsd;
  if (reading?.threshold === undefined || values === undefined || score === undefined) return undefined;
  const positive = isPositive(reading, truth);
  if (positive === undefined) return undefined;
  if (score >= reading.threshold) return (positive ? values.truePositive : values.falsePositive) ?? 0;
  return (positive ? values.falseNegative : values.trueNegative) ?? 0;
}

/** After how long the absence of an outcome means “no”; `undefined` where it means nothing, as always of a regression. Seconds of event time. */
export function negativeAfterSeconds(reading: OutcomeReading | undefined): number | undefined {
  if (reading?.declared === undefined || reading.task === 'regression' || reading.task === undefined) return undefined;
  const { whenMissing, maturitySeconds } = reading.declared.declaration;
  return whenMissing === 'negative' ? maturitySeconds : undefined;
}
