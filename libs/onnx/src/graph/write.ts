import onnxProto from 'onnx-proto';
import type { onnx as Onnx } from 'onnx-proto';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** IR 8 with opset 17 and ai.onnx.ml 3: written by scikit-learn's exporters of 2022 on, read by ONNX Runtime since 1.13. */
const IR_VERSION = 8;
const OPSET = 17;
const ML_OPSET = 3;
export const ML_DOMAIN = 'ai.onnx.ml';

/** Key under which the names of the input matrix's columns travel in the model's metadata, as a JSON array. */
export const FEATURE_NAMES_KEY = 'feature_names';

export type Dimension = number | string;

export function floatTensor(name: string, dims: readonly number[], values: readonly number[] | Float32Array): Onnx.ITensorProto {
  return { name, dataType: DataType.FLOAT, dims: [...dims], rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

/** A float32 input or output; a string dimension is a free one with that symbol. */
export function floatValue(name: string, shape: readonly Dimension[]): Onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } };
}

export const attribute = {
  int: (name: string, value: number): Onnx.IAttributeProto => ({ name, type: AttributeType.INT, i: value }),
  ints: (name: string, values: number[]): Onnx.IAttributeProto => ({ name, type: AttributeType.INTS, ints: values }),
  floats: (name: string, values: number[]): Onnx.IAttributeProto => ({ name, type: AttributeType.FLOATS, floats: values }),
  string: (name: string, value: string): Onnx.IAttributeProto => ({ name, type: AttributeType.STRING, s: Buffer.from(value) }),
  strings: (name: string, values: string[]): Onnx.IAttributeProto => ({
    name,
    type: AttributeType.STRINGS,
    strings: values.map((value) => Buffer.from(value)),
  }),
  tensor: (name: string, value: Onnx.ITensorProto): Onnx.IAttributeProto => ({ name, type: AttributeType.TENSOR, t: value }),
};

export function node(
  opType: string,
  input: string[],
  output: string[],
  attributes: Onnx.IAttributeProto[] = [],
  domain = '',
): Onnx.INodeProto {
  return { opType, input, output, attribute: attributes, domain, name: `${opType}_${output[0]}` };
}

/** Encodes a graph as the bytes of an `.onnx` file, operators of version 1 of the domains beside the standard ones. */
export function encodeModel(graph: Onnx.IGraphProto, metadata: Record<string, string> = {}, moreDomains: readonly string[] = []): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    producerName: 'throughline',
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: ML_DOMAIN, version: ML_OPSET },
      ...moreDomains.map((domain) => ({ domain, version: 1 })),
    ],
    graph,
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return Uint8Array.from(onnx.ModelProto.encode(model).finish());
}
