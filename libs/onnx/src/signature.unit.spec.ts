import { readFileSync } from 'node:fs';
import { ContractError } from '@throughline/contracts';
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { gradientBoostedTreesGraph } from './graph/gradient-boosted-trees.js';
import { logisticRegressionGraph } from './graph/logistic-regression.js';
import { externalDataGraph, fixedBatchGraph } from './graph/probe-graphs.js';
import { randomTreeEnsemble } from './graph/random-tree-ensemble.js';
import { readSignature } from './signature.js';

const { onnx } = onnxProto;
const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

function refusal(bytes: Uint8Array): ContractError {
  try {
    readSignature(bytes);
  } catch (thrown) {
    if (thrown instanceof ContractError) return thrown;
    throw thrown;
  }
  throw new Error('the signature was read');
}

describe('readSignature', () => {
  it('reads back what the graph writers wrote, with the batch dimension free', () => {
    const bytes = logisticRegressionGraph({ weights: [1, 2], bias: 0, mean: [0, 0], scale: [1, 1], featureNames: ['hour', 'miles'] });
    expect(readSignature(bytes)).toEqual({
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
      featureNames: ['hour', 'miles'],
    });
  });

  it('reads label and probabilities of a scikit-learn model without ZipMap', () => {
    expect(readSignature(fixture('sklearn-tensor.onnx'))).toEqual({
      inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      ],
    });
  });

  it('reads text inputs as BYTES', () => {
    expect(readSignature(fixture('sklearn-columns.onnx')).inputs).toEqual([
      { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'miles', datatype: 'FP32', shape: [-1, 1] },
    ]);
  });

  it('refuses a scikit-learn model with ZipMap and says how to export it', () => {
    const error = refusal(fixture('sklearn-zipmap.onnx'));
    expect(error.code).toBe('artifact_non_tensor_output');
    expect(error.message).toContain('sequence of map to tensor of FLOAT');
    expect(error.cure).toContain('zipmap=False');
  });

  it('refuses external data in an initialiser', () => {
    expect(refusal(externalDataGraph(3, '../../etc/passwd')).code).toBe('artifact_external_data');
  });

  it('refuses external data hidden in the branch of an If', () => {
    const model = onnx.ModelProto.decode(externalDataGraph(3, 'weights.bin'));
    const inner = model.graph!;
    model.graph = onnx.GraphProto.create({
      name: 'outer',
      input: inner.input ?? [],
      output: inner.output ?? [],
      node: [{ opType: 'If', input: ['yes'], output: ['output'], attribute: [{ name: 'then_branch', type: onnx.AttributeProto.AttributeType.GRAPH, g: inner }] }],
    });
    expect(refusal(onnx.ModelProto.encode(model).finish()).code).toBe('artifact_external_data');
  });

  it('refuses a fixed batch and says how to free it', () => {
    const error = refusal(fixedBatchGraph(1, 3));
    expect(error.code).toBe('artifact_load_failed');
    expect(error.cure).toContain('free first dimension');
  });

  it('refuses element types that no session can feed', () => {
    const model = onnx.ModelProto.decode(gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 1, depth: 1, features: 2, seed: 1 })));
    model.graph!.input![0]!.type!.tensorType!.elemType = onnx.TensorProto.DataType.FLOAT16;
    expect(refusal(onnx.ModelProto.encode(model).finish()).message).toContain('FLOAT16');
  });

  it('calls nothing ONNX that is not', () => {
    for (const text of ['', 'hello', '{"a":1}', '\u0000', 'PK\u0003\u0004']) expect(refusal(Buffer.from(text)).code).toBe('artifact_not_onnx');
  });

  it('answers any bytes with a signature or an error of the closed list', () => {
    const real = fixture('sklearn-tensor.onnx');
    const damaged = fc.tuple(fc.nat(real.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, junk]) => {
      const copy = Uint8Array.from(real);
      copy.set(junk.subarray(0, copy.length - at), at);
      return copy;
    });
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        return readSignature(bytes).inputs.length > 0;
      } catch (thrown) {
        return thrown instanceof ContractError && thrown.code.startsWith('artifact_');
      }
    }), { numRuns: 500 });
  });
});
