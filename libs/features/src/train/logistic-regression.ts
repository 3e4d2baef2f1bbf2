import { solvePositiveDefinite } from './cholesky.js';
import { standardisationOf, standardisedRow, type Matrix, type Standardisation } from './standardise.js';

export interface TrainingProgress {
  iteration: number;
  /** Penalised loss a row, the thing that is minimised, divided by the number of rows. */
  objective: number;
  /** Largest component of the objective's gradient; training ends when it is small. */
  gradientMax: number;
}

export interface TrainingOptions {
  /** λ of the penalty λ/2·‖w‖² on the standardised weights (scikit-learn's 1/C); the bias is free. Default 1. */
  l2?: number;
  maxIterations?: number;
  /** Bound on `gradientMax` at which the fit counts as converged. */
  tolerance?: number;
  onProgress?: (progress: TrainingProgress) => void;
}

export interface LogisticRegressionFit {
  /** For standardised features, in the order of the columns. */
  weights: number[];
  bias: number;
  mean: number[];
  scale: number[];
  /** What stood in for a missing value: the mean of the values present. Serve with the same. */
  imputation: number[];
  converged: boolean;
  iterations: number;
  /** Mean log-loss on the training rows, without the penalty, in nats. */
  logLoss: number;
  rowCount: number;
  positiveCount: number;
}

const DEFAULTS = { l2: 1, maxIterations: 50, tolerance: 1e-10, onProgress: () => undefined };
const MAX_HALVINGS = 30;
/** An improvement below this share of the objective drowns in the rounding of a sum over rows, of which there may be millions. */
const LOST_IN_ROUNDING = 1e-9;

/**
 * Fits L2-regularised logistic regression: minimises Σ log(1 + exp(−y·z)) + λ/2·‖w‖² with y = ±1, z = w·(x − mean)/scale + b, by
 * Newton's method, which here is iteratively reweighted least squares (Hastie, Tibshirani, Friedman, The Elements of Statistical
 * Learning, §4.4.1), halving any step that does not descend. The same rows give the same fit, bit for bit. It
 * blocks the thread: about rows · columns² · 10 multiplications.
 *
 * @param labels 0 or 1, one a row.
 * @throws RangeError when sizes disagree, a value is infinite, only one class is present, or, with λ = 0, columns depend on one another.
 */
export function trainLogisticRegression(matrix: Matrix, labels: Uint8Array, options: TrainingOptions = {}): LogisticRegressionFit {
  const { l2, maxIterations, tolerance, onProgress } = { ...DEFAULTS, ...options };
  const positiveCount = checkTrainingSet(matrix, labels, l2);
  const { rowCount, width } = matrix;
  const standardisation = standardisationOf(matrix);
  const objective = new Objective(matrix, labels, standardisation, l2);

  let parameters: Float64Array = new Float64Array(width + 1);
  parameters[width] = Math.log(positiveCount / (rowCount - positiveCount));
  let state = objective.at(parameters);
  let iteration = 0;
  let converged = state.gradientMax <= tolerance;
  while (!converged && iteration < maxIterations) {
    const step = state.gradient.slice();
    solvePositiveDefinite(state.hessian, step);
    // Half the squared Newton decrement (Boyd and Vandenberghe, Convex Optimization, §9.5): what the full step will gain.
    const gain = dot(state.gradient, step) / 2 / rowCount;
    const next = gain <= LOST_IN_ROUNDING * state.value ? scaledStep(parameters, step, 1) : descend(objective, parameters, step, state.value);
    if (next === undefined) break;
    parameters = next;
    state = objective.at(parameters);
    iteration++;
    converged = state.gradientMax <= tolerance;
    onProgress({ iteration, objective: state.value, gradientMax: state.gradientMax });
  }

  return {
    weights: [...parameters.subarray(0, width)],
    bias: parameters[width]!,
    ...standardisation,
    imputation: standardisation.mean,
    converged,
    iterations: iteration,
    logLoss: objective.valueAt(parameters, 0),
    rowCount,
    positiveCount,
  };
}

function checkTrainingSet({ values, rowCount, width }: Matrix, labels: Uint8Array, l2: number): number {
  if (width < 1 || values.length !== rowCount * width) throw new RangeError(`${rowCount} rows of ${width} columns need ${rowCount * width} values, got ${values.length}`);
  if (labels.length !== rowCount) throw new RangeError(`${rowCount} rows need as many labels, got ${labels.length}`);
  if (!(l2 >= 0)) throw new RangeError(`l2 must not be negative, got ${l2}`);
  let positiveCount = 0;
  for (const label of labels) {
    if (label > 1) throw new RangeError(`a label is 0 or 1, got ${label}`);
    positiveCount += label;
  }
  if (positiveCount === 0 || positiveCount === rowCount) throw new RangeError('both classes must be present');
  return positiveCount;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
const scaledStep = (from: Float64Array, step: Float64Array, share: number): Float64Array => from.map((parameter, index) => parameter - share * step[index]!);

/** The first of the full step, its half, its quarter … that lowers the objective; none at the limit of precision. */
function descend(objective: Objective, from: Float64Array, step: Float64Array, valueBefore: number): Float64Array | undefined {
  for (let halving = 0; halving <= MAX_HALVINGS; halving++) {
    const candidate = scaledStep(from, step, 1 / 2 ** halving);
    if (objective.valueAt(candidate) <= valueBefore) return candidate;
  }
  return undefined;
}

/** Penalised mean log-loss over the standardised rows; the last parameter is the bias. */
class Objective {
  private readonly row: Float64Array;

  constructor(
    private readonly matrix: Matrix,
    private readonly labels: Uint8Array,
    private readonly standardisation: Standardisation,
    private readonly l2: number,
  ) {
    this.row = new Float64Array(matrix.width + 1);
    this.row[matrix.width] = 1;
  }

  valueAt(parameters: Float64Array, l2 = this.l2): number {
    let loss = 0;
    for (let row = 0; row < this.matrix.rowCount; row++) loss += logLoss(this.logOdds(row, parameters), this.labels[row]!);
    return (loss + this.penalty(parameters, l2)) / this.matrix.rowCount;
  }

  at(parameters: Float64Array) {
    const { rowCount, width } = this.matrix;
    const size = width + 1;
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    let loss = 0;
    for (let row = 0; row < rowCount; row++) {
      const logOdds = this.logOdds(row, parameters);
      const probability = 1 / (1 + Math.exp(-logOdds));
      loss += logLoss(logOdds, this.labels[row]!);
      this.accumulate(gradient, hessian, probability - this.labels[row]!, probability * (1 - probability));
    }
    for (let j = 0; j < width; j++) {
      gradient[j]! += this.l2 * parameters[j]!;
      hessian[j * size + j]! += this.l2;
      // A constant column pulls nowhere: any curvature keeps its weight at zero.
      if (hessian[j * size + j] === 0) hessian[j * size + j] = 1;
    }
    const value = (loss + this.penalty(parameters, this.l2)) / rowCount;
    const gradientMax = gradient.reduce((max, component) => Math.max(max, Math.abs(component)), 0) / rowCount;
    return { value, gradient, hessian, gradientMax };
  }

  private accumulate(gradient: Float64Array, hessian: Float64Array, residual: number, curvature: number): void {
    const { row } = this;
    const size = row.length;
    for (let i = 0; i < size; i++) {
      gradient[i]! += residual * row[i]!;
      const weighted = curvature * row[i]!;
      for (let j = 0; j <= i; j++) hessian[i * size + j]! += weighted * row[j]!;
    }
  }

  private logOdds(row: number, parameters: Float64Array): number {
    standardisedRow(this.matrix, row, this.standardisation, this.row);
    let sum = 0;
    for (let j = 0; j < parameters.length; j++) sum += parameters[j]! * this.row[j]!;
    return sum;
  }

  private penalty(parameters: Float64Array, l2: number): number {
    let squares = 0;
    for (let j = 0; j < this.matrix.width; j++) squares += parameters[j]! ** 2;
    return (l2 / 2) * squares;
  }
}

/** −log of the probability of the label, from log-odds; stable at both ends. */
function logLoss(logOdds: number, label: number): number {
  const margin = label === 1 ? logOdds : -logOdds;
  return margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin));
}
