import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeUpload, TAGS, type Story } from './describe.js';
import { latestOf } from './metrics.js';
import { readMlModel, writeMlModel } from './mlmodel.js';
import { parseSource, pathSteps } from './paths.js';

const matrix = { inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }, { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }] };
const columns = [{ name: 'distance', isText: false }, { name: 'hour', isText: false }];
const story: Story = { graph: matrix, mlModel: { file: 'model.onnx' }, tags: {}, params: {}, metrics: [], datasets: [], description: undefined, environmentSha256: undefined };
const names = (more: Partial<Story>): string[] => describeUpload({ ...story, ...more }).features!.map(({ name }) => name);

describe('the features of a model logged with MLflow', () => {
  it('are called as its signature’s columns, else as the graph says, else by number', () => {
    expect(names({ mlModel: { file: 'm', columns } })).toEqual(['distance', 'hour']);
    expect(names({ graph: { ...matrix, featureNames: ['a', 'b'] } })).toEqual(['a', 'b']);
    expect(names({})).toEqual(['X_0', 'X_1']);
  });

  it('are one an input where the graph has several, text where it takes text', () => {
    const inputs = [{ name: 'carrier', datatype: 'BYTES', shape: [-1, 1] }, { name: 'miles', datatype: 'FP32', shape: [-1, 1] }];
    expect(describeUpload({ ...story, graph: { ...matrix, inputs } }).features).toEqual([{ name: 'carrier', kind: 'categorical' }, { name: 'miles', kind: 'numeric' }]);
  });

  it('come from the logged signature where the graph’s width is free, and are asked for where nobody says', () => {
    const graph = { ...matrix, inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, -1] }] };
    expect(names({ graph, mlModel: { file: 'm', width: 3 } })).toEqual(['X_0', 'X_1', 'X_2']);
    expect(() => describeUpload({ ...story, graph })).toThrow('without a signature');
  });

  it('can be said in full by a tag', () => {
    const features = [{ name: 'a', kind: 'numeric', default: 0 }, { name: 'b', kind: 'numeric' }];
    expect(describeUpload({ ...story, tags: { [TAGS.features]: JSON.stringify(features) } }).features).toEqual(features);
    expect(() => describeUpload({ ...story, tags: { [TAGS.features]: 'no' } })).toThrow('must be JSON');
  });
});

describe('what a version says of its making', () => {
  it('is what the run says', () => {
    const dataset = { name: 'flights', digest: 'abc', source_type: 'local', source: '{}' };
    const metrics = [...latestOf([{ key: 'auc', value: 0.8, timestampMs: 1, step: 0 }, { key: 'odd', value: NaN, timestampMs: 1, step: 0 }]).values()];
    const described = describeUpload({ ...story, metrics, datasets: [dataset], params: { C: '1' }, tags: { 'mlflow.user': 'ada', 'mlflow.source.git.commit': 'abc', 'mlflow.source.name': 'train.py' }, description: 'A card', environmentSha256: 'e' });
    expect(described).toMatchObject({ metrics: { auc: 0.8 }, codeCommit: 'abc', trainer: 'train.py', owner: 'ada', hyperparameters: { C: '1' }, dataset: { snapshotId: 'flights@abc' }, modelCard: 'A card', task: 'binary_classification' });
    expect(described.metrics).toEqual({ auc: 0.8 });
  });

  it('says the score by tags, which are read or refused', () => {
    const tags = { [TAGS.task]: 'binary_classification', [TAGS.scoreOutput]: 'probabilities', [TAGS.scoreIndex]: '1', [TAGS.threshold]: '0.3' };
    expect(describeUpload({ ...story, tags }).score).toEqual({ output: 'probabilities', index: 1, threshold: 0.3 });
    expect(() => describeUpload({ ...story, tags: { ...tags, [TAGS.threshold]: 'much' } })).toThrow('must be a number');
    expect(() => describeUpload({ ...story, tags: { [TAGS.threshold]: '0.3' } })).toThrow('of no use without');
    expect(() => describeUpload({ ...story, tags: { [TAGS.task]: 'magic' } })).toThrow('must be one of');
  });

  it('guesses a task only where one is plain', () => {
    const task = (outputs: Story['graph']['outputs']): unknown => describeUpload({ ...story, graph: { ...matrix, outputs } }).task;
    expect(task([{ name: 'y', datatype: 'FP32', shape: [-1, 1] }])).toBe('regression');
    expect(task([{ name: 'y', datatype: 'FP32', shape: [-1, 5] }])).toBe('other');
    expect(task([{ name: 'y', datatype: 'FP32', shape: [-1, 1] }, { name: 'z', datatype: 'FP32', shape: [-1, 1] }])).toBe('other');
  });
});

describe('MLmodel', () => {
  it('tells columns, tensors and the graph’s file', () => {
    const text = (inputs: unknown): string => JSON.stringify({ flavors: { onnx: { data: 'model.onnx' } }, mlflow_version: '3.17.2', signature: { inputs: JSON.stringify(inputs) } });
    expect(readMlModel(text([{ name: 'a', type: 'double' }, { name: 'b', type: 'string' }]))).toMatchObject({ file: 'model.onnx', columns: [{ name: 'a', isText: false }, { name: 'b', isText: true }] });
    expect(readMlModel(text([{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 4] } }]))).toMatchObject({ width: 4 });
    expect(readMlModel(text('nonsense'))).toEqual({ file: 'model.onnx', mlflowVersion: '3.17.2' });
  });

  it('of another flavour is refused with the way out', () => {
    expect(() => readMlModel('flavors: {sklearn: {}}')).toThrow('not logged as ONNX but as sklearn');
    expect(() => readMlModel(': : :\n- {')).toThrow('not YAML');
    expect(() => readMlModel('[]')).toThrow('nothing known');
  });

  it('of many keys is read in time', () => {
    const startedMs = performance.now();
    readMlModel(`flavors: {onnx: {data: m.onnx}}\n${Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`).join('\n')}`);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  it('is written so that it is read again', () => {
    const text = writeMlModel({ ...matrix, features: [], task: 'other' }, new Date(0));
    expect(readMlModel(text)).toMatchObject({ file: 'model.onnx' });
    expect(parse(text)).toMatchObject({ flavors: { python_function: { loader_module: 'mlflow.onnx' } } });
  });
});

describe('paths and sources', () => {
  it.each(['..', 'a/../b', '/../etc', 'a//b', 'a\\b', 'a/./b', 'C:/x', 'a\0', `${'x'.repeat(300)}`, 'x/'.repeat(600)])('refuses %j, which leaves the artifacts or fits no disk', (path) => {
    expect(() => pathSteps(path)).toThrow('Invalid path');
  });

  it('takes what is below the root', () => {
    expect(pathSteps('')).toEqual([]);
    expect(pathSteps('/0/run/artifacts/model.onnx/')).toEqual(['0', 'run', 'artifacts', 'model.onnx']);
  });

  it.each([
    ['models:/m-0123abc', { kind: 'logged_model', modelId: 'm-0123abc' }], ['models:/flights/3', { kind: 'version', model: 'flights', version: '3' }], ['models:/flights@champion', { kind: 'alias', model: 'flights', alias: 'champion' }],
    ['runs:/abc/model/sub', { kind: 'run', runId: 'abc', path: 'model/sub' }], ['mlflow-artifacts:/0/abc/artifacts/model', { kind: 'folder', path: '0/abc/artifacts/model' }],
    ['mlflow-artifacts://host:80/0/abc', { kind: 'folder', path: '0/abc' }],
  ])('knows the source %s', (source, expected) => expect(parseSource(source)).toEqual(expected));

  it.each(['s3://bucket/model', '/etc/passwd', 'file:///etc', 'models:/', 'runs:/abc/../../etc', 'mlflow-artifacts:/../etc', ''])('refuses the source %j', (source) => {
    expect(() => parseSource(source)).toThrow('Invalid');
  });
});
