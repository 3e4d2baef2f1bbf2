import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;

/**
 * A model that fails at run time on some rows: it looks its one feature up in a table of `size` numbers, and whoever is outside fails the
 * whole run. Input `input` float32 [N, 1], output `probability` float32 [N, 1]: entry i of the table is i.
 */
export function tableLookupGraph(size: number): Uint8Array {
  const floats = (name: string) => ({ name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimParam: 'N' }, { dimValue: 1 }] } } } });
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'table_lookup',
      input: [floats('input')],
      output: [floats('probability')],
      initializer: [{ name: 'table', dataType: DataType.FLOAT, dims: [size], floatData: Array.from({ length: size }, (_, index) => index) }],
      node: [
        { opType: 'Cast', input: ['input'], output: ['index'], attribute: [{ name: 'to', type: onnx.AttributeProto.AttributeType.INT, i: DataType.INT64 }] },
        { opType: 'Gather', input: ['table', 'index'], output: ['probability'] },
      ],
    },
  }).finish();
}
