import onnxProto from 'onnx-proto';
import type { onnx as Onnx } from 'onnx-proto';

const EXTERNAL = onnxProto.onnx.TensorProto.DataLocation.EXTERNAL;

/**
 * The name of a tensor whose values lie outside the file, wherever in the model it hides: initialisers, attributes,
 * subgraphs, functions, training info. ONNX Runtime would look for it relative to the current directory.
 */
export function findExternalData(model: Onnx.IModelProto): string | undefined {
  for (const tensor of tensorsOfModel(model)) {
    if (tensor.dataLocation === EXTERNAL || (tensor.externalData?.length ?? 0) > 0) return tensor.name ?? '';
  }
  return undefined;
}

function* tensorsOfModel(model: Onnx.IModelProto): Generator<Onnx.ITensorProto> {
  yield* tensorsOfGraph(model.graph);
  for (const definition of model.functions ?? []) yield* tensorsOfNodes(definition.node);
  for (const training of model.trainingInfo ?? []) {
    yield* tensorsOfGraph(training.initialization);
    yield* tensorsOfGraph(training.algorithm);
  }
}

function* tensorsOfGraph(graph: Onnx.IGraphProto | null | undefined): Generator<Onnx.ITensorProto> {
  yield* graph?.initializer ?? [];
  for (const sparse of graph?.sparseInitializer ?? []) yield* tensorsOfSparse(sparse);
  yield* tensorsOfNodes(graph?.node);
}

function* tensorsOfNodes(nodes: Onnx.INodeProto[] | null | undefined): Generator<Onnx.ITensorProto> {
  for (const attribute of (nodes ?? []).flatMap((node) => node.attribute ?? [])) {
    if (attribute.t) yield attribute.t;
    yield* attribute.tensors ?? [];
    for (const sparse of [attribute.sparseTensor, ...(attribute.sparseTensors ?? [])]) yield* tensorsOfSparse(sparse);
    for (const graph of [attribute.g, ...(attribute.graphs ?? [])]) yield* tensorsOfGraph(graph);
  }
}

function* tensorsOfSparse(sparse: Onnx.ISparseTensorProto | null | undefined): Generator<Onnx.ITensorProto> {
  if (sparse?.values) yield sparse.values;
  if (sparse?.indices) yield sparse.indices;
}
