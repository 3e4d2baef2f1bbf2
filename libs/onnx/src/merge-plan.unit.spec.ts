import onnxProto from 'onnx-proto';
import type { onnx as Onnx } from 'onnx-proto';
import fc from 'fast-check';
import { ContractError } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { findExternalData } from './external-data.js';
import { identityGraph } from './graph/probe-graphs.js';
import { planMerge } from './merge-plan.js';
import { fieldHeader } from './wire.js';

const { onnx } = onnxProto;
const { FLOAT, STRING } = onnx.TensorProto.DataType;
const EXTERNAL = onnx.TensorProto.DataLocation.EXTERNAL;
const LIMIT_BYTES = 10_000;
const FILES: Readonly<Record<string, Buffer>> = { 'w.bin': Buffer.from(Float32Array.of(1, 2, 3, 4).buffer), 'v.bin': Buffer.alloc(8, 7) };

const external = (entries: Record<string, string | undefined>, more: Onnx.ITensorProto = {}): Onnx.ITensorProto => ({
  name: 'weights', dataType: FLOAT, dims: [4], dataLocation: EXTERNAL,
  externalData: Object.entries({ location: 'w.bin', ...entries }).filter(([, value]) => value !== undefined).map(([key, value]) => ({ key, value: value! })),
  ...more,
});

/** A model that keeps these tensors where `put` says. */
function model(put: (graph: Onnx.IGraphProto, model: Onnx.IModelProto) => void): Uint8Array {
  const decoded: Onnx.IModelProto = onnx.ModelProto.decode(identityGraph(2));
  put(decoded.graph!, decoded);
  return onnx.ModelProto.encode(decoded).finish();
}

const withTensors = (...tensors: Onnx.ITensorProto[]): Uint8Array => model((graph) => { graph.initializer = tensors; });

const sizeOf = (file: string): number => {
  const found = FILES[file];
  if (found === undefined) throw new ContractError('not_found', 'no such file was logged beside the graph');
  return found.length;
};

function merge(bytes: Uint8Array, limitBytes = LIMIT_BYTES): Uint8Array {
  const { parts, sizeBytes } = planMerge(bytes, sizeOf, limitBytes);
  const merged = Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : FILES[part.location]!.subarray(part.offset, part.offset + part.length))));
  expect(merged).toHaveLength(sizeBytes);
  return merged;
}

const initialisers = (bytes: Uint8Array): (readonly [string, number[]])[] => onnx.ModelProto.decode(bytes).graph!.initializer!.map(({ name, rawData }) => [name ?? '', [...rawData!]]);

function refusal(bytes: Uint8Array, limitBytes = LIMIT_BYTES): ContractError {
  try {
    merge(bytes, limitBytes);
  } catch (error) {
    return error as ContractError;
  }
  throw new Error('it was merged');
}

describe('planMerge', () => {
  it('puts the bytes of a tensor into the graph, from its offset on for its length, else to the end of the file', () => {
    const merged = merge(withTensors(external({ offset: '4', length: '8' }, { name: 'a' }), external({ offset: '8' }, { name: 'b' }), external({ location: 'v.bin' }, { name: 'c' })));
    expect(initialisers(merged)).toEqual([['a', [...FILES['w.bin']!.subarray(4, 12)]], ['b', [...FILES['w.bin']!.subarray(8)]], ['c', [...FILES['v.bin']!]]]);
    expect(findExternalData(merged)).toBeUndefined();
    expect(onnx.ModelProto.decode(merged).graph!.initializer![0]).toMatchObject({ name: 'a', dataType: FLOAT, externalData: [] });
  });

  it('names the files that it takes from', () => expect(planMerge(withTensors(external({}), external({}), external({ location: 'v.bin' })), sizeOf, LIMIT_BYTES).files).toEqual(['w.bin', 'v.bin']));

  it('gives tied weights the same bytes', () => {
    const [[, first], [, second]] = initialisers(merge(withTensors(external({}, { name: 'a' }), external({}, { name: 'b' })))) as [[string, number[]], [string, number[]]];
    expect(first).toEqual(second);
  });

  it.each<[string, (graph: Onnx.IGraphProto, model: Onnx.IModelProto, tensor: Onnx.ITensorProto) => void]>([
    ['a sparse initialiser’s values', (graph, _, tensor) => { graph.sparseInitializer = [{ values: tensor, dims: [4] }]; }],
    ['a sparse initialiser’s indices', (graph, _, tensor) => { graph.sparseInitializer = [{ indices: tensor, dims: [4] }]; }],
    ['an attribute', (graph, _, tensor) => { graph.node![0]!.attribute = [{ name: 'value', t: tensor }]; }],
    ['an attribute of several tensors', (graph, _, tensor) => { graph.node![0]!.attribute = [{ name: 'value', tensors: [tensor] }]; }],
    ['an attribute’s sparse tensor', (graph, _, tensor) => { graph.node![0]!.attribute = [{ name: 'value', sparseTensors: [{ values: tensor }] }]; }],
    ['a branch within a branch', (graph, _, tensor) => {
      const branch = (g: Onnx.IGraphProto): Onnx.IGraphProto => ({ name: 'branch', node: [{ opType: 'If', attribute: [{ name: 'then_branch', g }] }] });
      graph.node!.push(...branch(branch({ name: 'inner', initializer: [tensor] })).node!);
    }],
    ['one of several graphs', (graph, _, tensor) => { graph.node![0]!.attribute = [{ name: 'bodies', graphs: [{ name: 'body', initializer: [tensor] }] }]; }],
    ['a function', (_, whole, tensor) => { whole.functions = [{ name: 'f', domain: 'local', node: [{ opType: 'Constant', attribute: [{ name: 'value', t: tensor }] }] }]; }],
    ['training information', (_, whole, tensor) => { whole.trainingInfo = [{ algorithm: { name: 'step', initializer: [tensor] } }]; }],
  ])('finds and resolves a tensor of %s', (_, put) => {
    const bytes = model((graph, whole) => put(graph, whole, external({})));
    expect(findExternalData(bytes)).toBe('weights');
    const merged = merge(bytes);
    expect(findExternalData(merged)).toBeUndefined();
    const expected = model((graph, whole) => put(graph, whole, { name: 'weights', dataType: FLOAT, dims: [4], rawData: FILES['w.bin']! }));
    expect(onnx.ModelProto.decode(merged)).toEqual(onnx.ModelProto.decode(expected));
  });

  it('finds and resolves the default of a function’s attribute, which onnx-proto does not know', () => {
    const attribute = onnx.AttributeProto.encode({ name: 'value', t: external({}) }).finish();
    const definition = Buffer.concat([fieldHeader(11, attribute.length), attribute]);
    const bytes = Buffer.concat([identityGraph(2), fieldHeader(25, definition.length), definition]);
    expect(findExternalData(bytes)).toBe('weights');
    expect(findExternalData(merge(bytes))).toBeUndefined();
  });

  it('finds a tensor in the first of two graphs, of which readers make one', () => {
    const first = onnx.GraphProto.encode({ initializer: [external({})] }).finish();
    expect(findExternalData(Buffer.concat([fieldHeader(7, first.length), first, identityGraph(2)]))).toBe('weights');
  });

  it('leaves a self-contained graph as it is, and what it does not know where it is', () => {
    const unknown = Buffer.concat([fieldHeader(3000, 3), Buffer.from('new')]);
    expect(Buffer.from(merge(identityGraph(2)))).toEqual(Buffer.from(identityGraph(2)));
    const merged = Buffer.from(merge(Buffer.concat([unknown, withTensors(external({})), unknown])));
    expect([merged.subarray(0, unknown.length), merged.subarray(-unknown.length)]).toEqual([unknown, unknown]);
  });

  it.each<[string, Onnx.ITensorProto, RegExp]>([
    ['a path out of the folder', external({ location: '../w.bin' }), /no plain name/],
    ['an absolute path', external({ location: '/etc/passwd' }), /no plain name/],
    ['a path below the folder', external({ location: 'sub/w.bin' }), /no plain name/],
    ['a path with a dot', external({ location: './w.bin' }), /no plain name/],
    ['a backslash', external({ location: '..\\w.bin' }), /no plain name/],
    ['a drive', external({ location: 'C:w.bin' }), /no plain name/],
    ['the folder itself', external({ location: '.' }), /no plain name/],
    ['its parent', external({ location: '..' }), /no plain name/],
    ['no name', external({ location: '' }), /no plain name/],
    ['a zero byte', external({ location: 'w.bin\0.txt' }), /no plain name/],
    ['a name longer than any', external({ location: 'w'.repeat(256) }), /no plain name/],
    ['no location', external({ location: undefined }), /does not say where/],
    ['a file that was not logged', external({ location: 'x.bin' }), /“x.bin”, and no such file/],
    ['an offset beyond the file', external({ offset: '17' }), /takes -1 bytes from 17/],
    ['a range over the end', external({ offset: '8', length: '9' }), /takes 9 bytes from 8 on of “w.bin”, which has 16/],
    ['a negative offset', external({ offset: '-4', length: '8' }), /“-4” as its offset/],
    ['a negative length', external({ length: '-1' }), /“-1” as its length/],
    ['a huge length', external({ length: '999999999999999' }), /999999999999999 bytes/],
    ['a length that no double holds', external({ length: '9'.repeat(40) }), /as its length/],
    ['an offset in hexadecimal', external({ offset: '0x4' }), /“0x4” as its offset/],
    ['a fraction', external({ offset: '1e1' }), /“1e1” as its offset/],
    ['a blank', external({ offset: ' ' }), /“ ” as its offset/],
    ['values in the graph as well', external({}, { rawData: Buffer.alloc(16) }), /in the graph and outside/],
    ['typed values in the graph as well', external({}, { floatData: [1] }), /in the graph and outside/],
    ['text', external({}, { dataType: STRING }), /holds text/],
    ['a location, but not that its values are there', external({}, { dataLocation: 0 }), /does not say that its values are there/],
    ['two locations', external({}, { externalData: [{ key: 'location', value: 'w.bin' }, { key: 'location', value: 'v.bin' }] }), /its location twice/],
    ['nothing of where it is', { name: 'weights', dataLocation: EXTERNAL }, /does not say where/],
  ])('refuses a tensor with %s, by its name', (_, tensor, reason) => {
    const error = refusal(withTensors(tensor));
    expect(error).toMatchObject({ code: 'artifact_external_data', message: expect.stringContaining('“weights”') });
    expect(error.message).toMatch(reason);
  });

  it('refuses what overlapping ranges come to, before a byte is read', () => {
    const many = withTensors(...Array.from({ length: 100 }, (_, index) => external({}, { name: `w${index}` })));
    expect(refusal(many, many.length + 1000)).toMatchObject({ code: 'artifact_too_large', message: expect.stringContaining('with the tensors') });
  });

  it('counts all of the files that are named, however little is taken', () => {
    const bytes = withTensors(external({ length: '4' }));
    expect(refusal(bytes, bytes.length + 15)).toMatchObject({ code: 'artifact_too_large', message: expect.stringContaining(`${bytes.length + 16} bytes`) });
    expect(merge(bytes, bytes.length + 16)).toBeDefined();
  });

  it('refuses more files than any model has', () => {
    const bytes = withTensors(...Array.from({ length: 201 }, (_, index) => external({ location: `${index}.bin` })));
    expect(() => planMerge(bytes, () => 4, 1e6)).toThrow('more than 200 files');
  });

  it('refuses a graph nested deeper than any reader goes, without overflowing', () => {
    let graph: Uint8Array = new Uint8Array(0);
    for (let depth = 0; depth < 20_000; depth++) {
      const attribute = Buffer.concat([fieldHeader(6, graph.length), graph]);
      const node = Buffer.concat([fieldHeader(5, attribute.length), attribute]);
      if (node.length > 200_000) break;
      graph = Buffer.concat([fieldHeader(1, node.length), node]);
    }
    expect(refusal(Buffer.concat([fieldHeader(7, graph.length), graph])).code).toBe('artifact_not_onnx');
  });

  it('answers any damage with a plan or an error of the closed list', () => {
    const real = withTensors(external({ offset: '4', length: '8' }), external({ location: 'v.bin' }));
    const damaged = fc.tuple(fc.nat(real.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, junk]) => {
      const copy = Uint8Array.from(real);
      copy.set(junk.subarray(0, copy.length - at), at);
      return copy;
    });
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        return merge(bytes).length <= LIMIT_BYTES;
      } catch (thrown) {
        return thrown instanceof ContractError && thrown.code.startsWith('artifact_');
      }
    }), { numRuns: 1000 });
  });
});
