import { encodeModel, FEATURE_NAMES_KEY, floatTensor, floatValue, node } from './write.js';

export interface LogisticRegression {
  /** One weight per feature, for standardised values. */
  weights: readonly number[];
  bias: number;
  /** Subtracted from each feature. */
  mean: readonly number[];
  /** Divides each feature after that; finite and not zero. */
  scale: readonly number[];
  /** Order of the columns of the input; kept in the model's metadata. */
  featureNames: readonly string[];
}

/**
 * Logistic regression as ONNX: `probability = 1 / (1 + exp(-(((input - mean) / scale) · weights + bias)))`.
 *
 * Input `input` float32 [N, F], output `probability` float32 [N, 1]. A NaN in a row makes that row's probability NaN:
 * missing values are filled before the model, where the fill is on record.
 *
 * @throws RangeError when the lengths differ, a number is not finite, or a scale is zero.
 */
export function logisticRegressionGraph(model: LogisticRegression): Uint8Array {
  const { weights, bias, mean, scale, featureNames } = model;
  const width = weights.length;
  if (width === 0 || [mean, scale, featureNames].some((column) => column.length !== width)) {
    throw new RangeError(`weights, mean, scale and featureNames must have one equal, positive length; weights has ${width}`);
  }
  if (![...weights, bias, ...mean, ...scale].every(isFiniteAsFloat32)) throw new RangeError('every parameter must be a finite float32');
  if (scale.some((value) => Math.fround(value) === 0)) throw new RangeError('a scale must not be zero');
  return encodeModel(
    {
      name: 'logistic_regression',
      input: [floatValue('input', ['N', width])],
      output: [floatValue('probability', ['N', 1])],
      initializer: [
        floatTensor('mean', [width], mean),
        floatTensor('scale', [width], scale),
        floatTensor('weights', [width, 1], weights),
        floatTensor('bias', [1], [bias]),
      ],
      node: [
        node('Sub', ['input', 'mean'], ['centred']),
        node('Div', ['centred', 'scale'], ['standardised']),
        node('Gemm', ['standardised', 'weights', 'bias'], ['log_odds']),
        node('Sigmoid', ['log_odds'], ['probability']),
      ],
    },
    { [FEATURE_NAMES_KEY]: JSON.stringify(featureNames) },
  );
}

function isFiniteAsFloat32(value: number): boolean {
  return Number.isFinite(Math.fround(value));
}
