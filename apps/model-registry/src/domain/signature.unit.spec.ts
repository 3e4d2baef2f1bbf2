import { describe, expect, it } from 'vitest';
import type { GraphMetadata } from './metadata.js';
import { buildSignature, type Graph } from './signature.js';

const matrix = (width: number, more: Partial<Graph> = {}): Graph => ({
  inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, width] }],
  outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }, { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
  ...more,
});
const metadata = (names: string[], more: Partial<GraphMetadata> = {}): GraphMetadata => ({ features: names.map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', ...more });

describe('the signature of a version', () => {
  it('joins the graph’s tensors with the uploader’s features', () => {
    const graph = matrix(2);
    expect(buildSignature(graph, metadata(['a', 'b'], { entities: { origin: 'airport' } }))).toEqual({
      inputs: graph.inputs, outputs: graph.outputs, features: [{ name: 'a', kind: 'numeric' }, { name: 'b', kind: 'numeric' }],
      task: 'binary_classification', entities: { origin: 'airport' }, score: { output: 'probabilities', index: 1 },
    });
  });

  it.each<[string, Graph, GraphMetadata, RegExp]>([
    ['fewer features than columns', matrix(3), metadata(['a', 'b']), /takes 3 columns, but the metadata has 2 features/],
    ['more features than columns', matrix(1), metadata(['a', 'b']), /takes 1 columns, but the metadata has 2 features/],
    ['the same feature twice', matrix(2), metadata(['a', 'a']), /same name/],
    ['other names than the graph’s', matrix(2, { featureNames: ['a', 'b'] }), metadata(['a', 'c']), /lacks “b” and has “c”, which the graph does not know/],
    ['the graph’s names in another order', matrix(2, { featureNames: ['a', 'b'] }), metadata(['b', 'a']), /another order than the graph’s columns, from “a” on/],
    ['several inputs and features of other names', { ...matrix(2), inputs: [{ name: 'a', datatype: 'FP32', shape: [-1, 1] }, { name: 'b', datatype: 'FP32', shape: [-1, 1] }] }, metadata(['a', 'c']), /input “b” has no feature/],
    ['an image and fewer features than it has values', { ...matrix(2), inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 3, 8, 8] }] }, metadata(['a', 'b', 'c']), /takes 192 columns/],
    ['a sequence of any length', { ...matrix(2), inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, -1, 3] }] }, metadata(['a', 'b', 'c']), /free dimension beside the rows/],
    ['a numeric feature for a text input', { ...matrix(1), inputs: [{ name: 'carrier', datatype: 'BYTES', shape: [-1, 1] }] }, metadata(['carrier']), /“carrier” is numeric, but the input “carrier” takes text/],
    ['a score output that does not exist', matrix(1), metadata(['a'], { score: { output: 'p' } }), /output “p” does not exist/],
    ['a score index beyond the row', matrix(1), metadata(['a'], { score: { output: 'probabilities', index: 2 } }), /index 2 is beyond the 2/],
    ['a score that is text', matrix(1, { outputs: [{ name: 'label', datatype: 'BYTES', shape: [-1] }] }), metadata(['a'], { score: { output: 'label' } }), /holds text/],
    ['several candidates for the score', matrix(1, { outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 1] }, { name: 'q', datatype: 'FP32', shape: [-1, 1] }] }), metadata(['a']), /not clear which of the outputs “p”, “q”/],
    ['a regression with two values a row', matrix(1), metadata(['a'], { task: 'regression' }), /not clear which/],
  ])('is refused with %s, and says what is wrong', (_, graph, given, expected) => {
    expect(() => buildSignature(graph, given)).toThrow(expected);
    try {
      buildSignature(graph, given);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_request', cure: expect.stringMatching(/\w/) });
    }
  });

  it('finds the score of a regression with one value a row', () =>
    expect(buildSignature(matrix(1, { outputs: [{ name: 'variable', datatype: 'FP32', shape: [-1, 1] }] }), metadata(['a'], { task: 'regression' })).score).toEqual({ output: 'variable', index: 0 }));
  it('needs no score for other tasks', () =>
    expect(buildSignature(matrix(1, { outputs: [{ name: 'embedding', datatype: 'FP32', shape: [-1, 64] }] }), metadata(['a'], { task: 'other' }))).not.toHaveProperty('score'));
  it('accepts a score of an output whose width the graph leaves open', () =>
    expect(buildSignature(matrix(1, { outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, -1] }] }), metadata(['a'], { score: { output: 'p', index: 1 } })).score).toEqual({ output: 'p', index: 1 }));
  it('accepts as many features as an image has values', () =>
    expect(buildSignature({ ...matrix(2), inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 1, 2, 2] }] }, metadata(['a', 'b', 'c', 'd'])).features).toHaveLength(4));
  it('accepts one input for each feature, in any order', () =>
    expect(buildSignature({ ...matrix(2), inputs: [{ name: 'carrier', datatype: 'BYTES', shape: [-1, 1] }, { name: 'miles', datatype: 'FP32', shape: [-1] }] },
      { ...metadata([]), features: [{ name: 'miles', kind: 'numeric' }, { name: 'carrier', kind: 'categorical' }] }).features).toHaveLength(2));
});
