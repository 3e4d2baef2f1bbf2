import onnxProto from 'onnx-proto';
import { seededRandom } from './random-tree-ensemble.js';
import { attribute, encodeModel, floatTensor, floatValue, node } from './write.js';

const { onnx } = onnxProto;

/** Answers its input: float32 `input` [N, F] to `output` [N, F]. */
export function identityGraph(features: number): Uint8Array {
  return encodeModel({
    name: 'identity',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('output', ['N', features])],
    node: [node('Identity', ['input'], ['output'])],
  });
}

/** Accepts only `rows` rows: the export that forgot to leave the batch dimension free. */
export function fixedBatchGraph(rows: number, features: number): Uint8Array {
  return encodeModel({
    name: 'fixed_batch',
    input: [floatValue('input', [rows, features])],
    output: [floatValue('output', [rows, features])],
    node: [node('Identity', ['input'], ['output'])],
  });
}

/** Answers one number for the whole batch instead of one a row. */
export function wholeBatchOutputGraph(features: number): Uint8Array {
  return encodeModel({
    name: 'whole_batch_output',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('mean', [1, 1])],
    node: [node('ReduceMean', ['input'], ['mean'], [attribute.ints('axes', [0, 1]), attribute.int('keepdims', 1)])],
  });
}

/** Loads, then fails on every run: its inner dimensions can never meet. */
export function failingRunGraph(features: number): Uint8Array {
  return encodeModel({
    name: 'failing_run',
    input: [floatValue('input', ['N', 'F'])],
    output: [floatValue('output', ['N', 1])],
    initializer: [floatTensor('weights', [features + 1, 1], Array.from({ length: features + 1 }, () => 1))],
    node: [node('MatMul', ['input', 'weights'], ['output'])],
  }, { feature_names: JSON.stringify(Array.from({ length: features }, (_, index) => `f${index}`)) });
}

/**
 * A few hundred bytes that keep a loader busy: it folds a chain of products of constant matrices, `size`³ · `steps`
 * multiplications, and holds `size`² floats a matrix while it does.
 */
export function slowLoadGraph({ size, steps }: { size: number; steps: number }): Uint8Array {
  const constant = (name: string, shape: number[]) => [
    node('Constant', [], [`${name}_shape`], [attribute.tensor('value', { dataType: onnx.TensorProto.DataType.INT64, dims: [shape.length], int64Data: shape })]),
    node('ConstantOfShape', [`${name}_shape`], [name]),
  ];
  const products = Array.from({ length: steps }, (_, step) => node('MatMul', [`m${step}`, 'm0'], [`m${step + 1}`]));
  return encodeModel({
    name: 'slow_load',
    input: [floatValue('input', ['N', size])],
    output: [floatValue('output', ['N', size])],
    node: [...constant('m0', [size, size]), ...products, node('MatMul', ['input', `m${steps}`], ['output'])],
  });
}

/** As slow as one likes: float32 `input` [N, F] through `layers` dense layers of `width` to `output` [N, width]; `seed` makes its weights. */
export function denseGraph({ features, width, layers, seed }: { features: number; width: number; layers: number; seed: number }): Uint8Array {
  const random = seededRandom(seed);
  const weights = Array.from({ length: layers }, (_, layer) => {
    const rows = layer === 0 ? features : width;
    return floatTensor(`w${layer}`, [rows, width], Float32Array.from({ length: rows * width }, () => (random() - 0.5) / Math.sqrt(rows)));
  });
  const nodes = weights.flatMap((_, layer) => [node('MatMul', [layer === 0 ? 'input' : `h${layer - 1}`, `w${layer}`], [`m${layer}`]), node('Tanh', [`m${layer}`], [layer === layers - 1 ? 'output' : `h${layer}`])]);
  return encodeModel({
    name: 'dense',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('output', ['N', width])],
    initializer: weights,
    node: nodes,
  });
}

/**
 * Slow whatever the batch: float32 `input` [N, F] to `probability` [N, 1], beside `steps` products of matrices of `size`² that come to nothing. They
 * begin with a mean of the input, or else a loader would do them once.
 */
export function slowRunGraph({ features, size, steps }: { features: number; size: number; steps: number }): Uint8Array {
  const random = seededRandom(1);
  return encodeModel({
    name: 'slow_run',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('probability', ['N', 1])],
    initializer: [
      floatTensor('weights', [features, 1], Array.from({ length: features }, () => 0.001)),
      floatTensor('matrix', [size, size], Float32Array.from({ length: size * size }, () => (random() - 0.5) / Math.sqrt(size))),
      floatTensor('zero', [1], [0]),
    ],
    node: [
      node('MatMul', ['input', 'weights'], ['log_odds']),
      node('ReduceMean', ['log_odds'], ['mean'], [attribute.ints('axes', [0, 1]), attribute.int('keepdims', 1)]),
      node('Mul', ['matrix', 'mean'], ['t0']),
      ...Array.from({ length: steps }, (_, step) => [node('MatMul', [`t${step}`, 'matrix'], [`m${step}`]), node('Tanh', [`m${step}`], [`t${step + 1}`])]).flat(),
      node('ReduceMean', [`t${steps}`], ['rest'], [attribute.ints('axes', [0, 1]), attribute.int('keepdims', 1)]),
      node('Mul', ['rest', 'zero'], ['nothing']),
      node('Add', ['log_odds', 'nothing'], ['sum']),
      node('Sigmoid', ['sum'], ['probability']),
    ],
  });
}

/** Asks for an operator that only its author has. */
export function customOperatorGraph(features: number): Uint8Array {
  return encodeModel({
    name: 'custom_operator',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('output', ['N', features])],
    node: [node('Fancy', ['input'], ['output'], [], 'com.example')],
  }, {}, ['com.example']);
}

/** Declares weights of 2 × `size` numbers, and brings none. */
export function hollowTensorGraph(size: number): Uint8Array {
  return encodeModel({
    name: 'hollow_tensor',
    input: [floatValue('input', ['N', 2])],
    output: [floatValue('output', ['N', size])],
    initializer: [{ name: 'weights', dataType: onnx.TensorProto.DataType.FLOAT, dims: [2, size], rawData: new Uint8Array(0) }],
    node: [node('MatMul', ['input', 'weights'], ['output'])],
  });
}

/** A few hundred bytes that answer float32 `output` [N, `width`] to `input` [N, 2]. */
export function wideAnswerGraph(width: number): Uint8Array {
  return encodeModel({
    name: 'wide_answer',
    input: [floatValue('input', ['N', 2])],
    output: [floatValue('output', ['N', width])],
    initializer: [floatTensor('weights', [2, 1], [1, 1]), { name: 'shape', dataType: onnx.TensorProto.DataType.INT64, dims: [2], int64Data: [1, width] }],
    node: [node('MatMul', ['input', 'weights'], ['sum']), node('Expand', ['sum', 'shape'], ['output'])],
  });
}

/** Keeps its weights in a file beside the model, which nobody may follow. */
export function externalDataGraph(features: number, location: string): Uint8Array {
  return encodeModel({
    name: 'external_data',
    input: [floatValue('input', ['N', features])],
    output: [floatValue('output', ['N', 1])],
    initializer: [{
      name: 'weights',
      dataType: onnx.TensorProto.DataType.FLOAT,
      dims: [features, 1],
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: location }],
    }],
    node: [node('MatMul', ['input', 'weights'], ['output'])],
  });
}
