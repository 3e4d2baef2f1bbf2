import { ContractError } from '@throughline/contracts';
import type { TensorSpec } from '@throughline/contracts';
import onnxProto from 'onnx-proto';
import type { onnx as Onnx } from 'onnx-proto';
import { findExternalData } from './external-data.js';
import { FEATURE_NAMES_KEY } from './graph/write.js';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;

/** Element types that a session can feed and read, in the words of the Open Inference Protocol. */
export type Datatype = 'FP32' | 'FP64' | 'INT64' | 'INT32' | 'BOOL' | 'BYTES';

export interface GraphTensor extends TensorSpec {
  datatype: Datatype;
  /** -1 is a free dimension. */
  shape: number[];
}

/** What a graph says about itself. */
export interface GraphSignature {
  inputs: GraphTensor[];
  outputs: GraphTensor[];
  /** Names of the columns of the input matrix, where the exporter left them in the metadata (`feature_names`, a JSON array). */
  featureNames?: string[];
}

const DATATYPES = new Map<number, Datatype>([
  [DataType.FLOAT, 'FP32'],
  [DataType.DOUBLE, 'FP64'],
  [DataType.INT64, 'INT64'],
  [DataType.INT32, 'INT32'],
  [DataType.BOOL, 'BOOL'],
  [DataType.STRING, 'BYTES'],
]);

/**
 * Reads inputs and outputs from the bytes of an ONNX file, without loading it into the runtime. For bytes that nobody
 * vouches for use `inspectInChild`: parsing costs time and memory of the sender's choosing.
 *
 * @throws ContractError `artifact_not_onnx`, `artifact_external_data`, `artifact_non_tensor_output`, or
 *   `artifact_load_failed` for inputs, types and shapes that cannot be served.
 */
export function readSignature(bytes: Uint8Array): GraphSignature {
  const model = decode(bytes);
  const external = findExternalData(bytes);
  if (external !== undefined) {
    throw new ContractError('artifact_external_data', `tensor ${quote(external)} lives outside the file`, {
      cure: 'Save the model as one file: torch.onnx.export(…, external_data=False), or onnx.save_model(onnx.load(path), path, save_as_external_data=False).',
    });
  }
  const graph = model.graph!;
  const initialised = new Set(graph.initializer?.map((tensor) => tensor.name));
  const inputs = (graph.input ?? []).filter((input) => !initialised.has(input.name)).map(readInput);
  if (inputs.length === 0) throw new ContractError('artifact_load_failed', 'the graph has no input');
  const signature: GraphSignature = { inputs, outputs: (graph.output ?? []).map(readOutput) };
  const featureNames = readFeatureNames(model);
  return featureNames === undefined ? signature : { ...signature, featureNames };
}

function decode(bytes: Uint8Array): Onnx.IModelProto {
  let model: Onnx.IModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new ContractError('artifact_not_onnx', 'the bytes are not a serialised ONNX ModelProto', { cause });
  }
  // Protocol Buffers accept much that was never meant as one; a model that can run has all of these.
  const complete = Number(model.irVersion) > 0 && (model.opsetImport?.length ?? 0) > 0 && (model.graph?.node?.length ?? 0) > 0 && (model.graph?.output?.length ?? 0) > 0;
  if (!complete) throw new ContractError('artifact_not_onnx', 'the bytes decode, but hold no ONNX graph with operators and outputs');
  return model;
}

function readInput(value: Onnx.IValueInfoProto): GraphTensor {
  const tensor = value.type?.tensorType;
  if (tensor === null || tensor === undefined) {
    throw new ContractError('artifact_load_failed', `input ${quote(value.name)} is a ${describeType(value.type)}, not a tensor`);
  }
  const spec = readTensor('input', value.name ?? '', tensor);
  if (spec.shape.length === 0) throw new ContractError('artifact_load_failed', `input ${quote(value.name)} has no batch dimension`);
  if (spec.shape[0] !== -1) {
    throw new ContractError('artifact_load_failed', `input ${quote(value.name)} accepts only batches of ${spec.shape[0]} rows`, {
      cure: 'Export the model with a free first dimension (dynamic_shapes or dynamic_axes in torch.onnx.export, [None, F] in skl2onnx and onnxmltools).',
    });
  }
  return spec;
}

function readOutput(value: Onnx.IValueInfoProto): GraphTensor {
  const tensor = value.type?.tensorType;
  if (tensor === null || tensor === undefined) {
    throw new ContractError('artifact_non_tensor_output', `output ${quote(value.name)} is a ${describeType(value.type)}, not a tensor`, {
      cure: 'Export with zipmap=False (skl2onnx: convert_sklearn(model, …, options={"zipmap": False}); onnxmltools: convert_lightgbm(model, …, zipmap=False)).',
    });
  }
  const { shape: [rows, ...rowShape], ...spec } = readTensor('output', value.name ?? '', tensor);
  // Its first dimension is the row, whatever the exporter wrote: onnxmltools writes 1. What the graph does about it, a trial run tells.
  return { ...spec, shape: rows === undefined ? [] : [-1, ...rowShape] };
}

function readTensor(direction: 'input' | 'output', name: string, tensor: Onnx.TypeProto.ITensor): GraphTensor {
  const datatype = DATATYPES.get(tensor.elemType ?? 0);
  if (datatype === undefined) {
    throw new ContractError('artifact_load_failed', `${direction} ${quote(name)} has the element type ${DataType[tensor.elemType ?? 0]}`, {
      cure: `Cast it to one of ${[...DATATYPES.values()].join(', ')} inside the graph.`,
    });
  }
  // An output without a shape may have any; an input without one could not be fed, and counts as having no dimension.
  if (!tensor.shape?.dim) return { name, datatype, shape: direction === 'output' ? [-1] : [] };
  return { name, datatype, shape: tensor.shape.dim.map(readDimension) };
}

function readDimension(dimension: Onnx.TensorShapeProto.IDimension): number {
  const size = Number(dimension.dimValue ?? 0);
  return size > 0 ? size : -1;
}

function readFeatureNames(model: Onnx.IModelProto): string[] | undefined {
  const json = model.metadataProps?.find((entry) => entry.key === FEATURE_NAMES_KEY)?.value;
  if (json === null || json === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(json);
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
  } catch {
    // The key is a convention of ours; another exporter may mean something else by it.
    return undefined;
  }
}

function describeType(type: Onnx.ITypeProto | null | undefined): string {
  if (type?.sequenceType) return `sequence of ${describeType(type.sequenceType.elemType)}`;
  if (type?.mapType) return `map to ${describeType(type.mapType.valueType)}`;
  if (type?.optionalType) return `optional ${describeType(type.optionalType.elemType)}`;
  if (type?.sparseTensorType) return 'sparse tensor';
  if (type?.tensorType) return `tensor of ${DataType[type.tensorType.elemType ?? 0]}`;
  return 'value of no declared type';
}

function quote(name: string | null | undefined): string {
  return `“${(name ?? '').slice(0, 100)}”`;
}
