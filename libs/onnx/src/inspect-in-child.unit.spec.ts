import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { customOperatorGraph, externalDataGraph, failingRunGraph, hollowTensorGraph, identityGraph, slowLoadGraph, wholeBatchOutputGraph, wideAnswerGraph } from './graph/probe-graphs.js';
import { inspectInChild } from './inspect-in-child.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

/** Process ids of inspecting children of this process that are still there. */
function livingChildren(): string[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes('inspect-child.js') && !line.includes('<defunct>'));
}

async function expectNoChildLeft(): Promise<void> {
  await expect.poll(livingChildren, { timeout: 2000 }).toEqual([]);
}

describe('inspectInChild', () => {
  it('answers with hash, size and signature of a model that loads', async () => {
    const inspection = await inspectInChild(fixture('sklearn-columns.onnx'));
    expect(inspection.sha256).toBe(execFileSync('sha256sum', { input: fixture('sklearn-columns.onnx'), encoding: 'utf8' }).slice(0, 64));
    expect(inspection.sizeBytes).toBe(fixture('sklearn-columns.onnx').length);
    expect(inspection.signature.inputs.map(({ name }) => name)).toEqual(['carrier', 'miles']);
    await expectNoChildLeft();
  });

  it.each([
    ['garbage', () => Buffer.from('this is no model'), 'artifact_not_onnx'],
    ['half a model', () => fixture('sklearn-tensor.onnx').subarray(0, 300), 'artifact_not_onnx'],
    ['ZipMap', () => fixture('sklearn-zipmap.onnx'), 'artifact_non_tensor_output'],
    ['external data', () => externalDataGraph(2, '../secret'), 'artifact_external_data'],
    ['a custom operator', () => customOperatorGraph(2), 'artifact_load_failed'],
    ['weights that are declared and not there', () => hollowTensorGraph(1_000_000), 'artifact_load_failed'],
    ['a model that fails on every row', () => failingRunGraph(2), 'artifact_load_failed'],
    ['an output that is not per row', () => wholeBatchOutputGraph(2), 'artifact_load_failed'],
  ])('refuses %s', async (_, bytes, code) => {
    await expect(inspectInChild(bytes())).rejects.toMatchObject({ code, cure: expect.any(String) });
  });

  it('names a custom operator', () =>
    expect(inspectInChild(customOperatorGraph(2))).rejects.toMatchObject({ message: expect.stringContaining('“Fancy” of “com.example”'), cure: expect.stringContaining('standard operators') }));

  it('answers the rows of a trial', async () => {
    const { outputs } = await inspectInChild(identityGraph(2), {}, ({ inputs }) => ({ columns: { [inputs[0]!.name]: Float32Array.of(1, 2, 3, 4) }, rowCount: 2 }));
    expect(outputs).toMatchObject([{ name: 'output', datatype: 'FP32', rowWidth: 2 }]);
    expect([...outputs[0]!.data as Float32Array]).toEqual([1, 2, 3, 4]);
    await expectNoChildLeft();
  });

  it('refuses a model whose answer to a trial would fill this process’s memory', async () => {
    const trial = () => ({ columns: { input: Float32Array.of(1, 2) }, rowCount: 1 });
    await expect(inspectInChild(wideAnswerGraph(1_000_000), {}, trial)).rejects.toMatchObject({ code: 'artifact_too_large', message: expect.stringContaining('4000000 bytes') });
    await expect(inspectInChild(wideAnswerGraph(1000), {}, trial)).resolves.toMatchObject({ outputs: [{ rowWidth: 1000 }] });
    await expectNoChildLeft();
  });

  it('ends with the child killed when the trial fails, or cannot be made', async () => {
    await expect(inspectInChild(identityGraph(2), {}, () => ({ columns: {}, rowCount: 2 }))).rejects.toMatchObject({ code: 'artifact_load_failed' });
    await expect(inspectInChild(identityGraph(2), {}, () => { throw new Error('no trial'); })).rejects.toThrow('no trial');
    await expectNoChildLeft();
  });

  it('kills the child when time is up', async () => {
    const startedMs = performance.now();
    await expect(inspectInChild(slowLoadGraph({ size: 3000, steps: 2000 }), { timeLimitMs: 1500 })).rejects.toMatchObject({ code: 'artifact_timeout' });
    expect(performance.now() - startedMs).toBeLessThan(3000);
    await expectNoChildLeft();
  });

  it('kills the child when it takes too much memory', async () => {
    const hungry = slowLoadGraph({ size: 12_000, steps: 50 });
    await expect(inspectInChild(hungry, { memoryLimitBytes: 400 * 1024 ** 2 })).rejects.toMatchObject({ code: 'artifact_too_large', message: expect.stringContaining('memory') });
    await expectNoChildLeft();
  });

  it('does not even start a child for a file over the limit', async () => {
    await expect(inspectInChild(identityGraph(3), { sizeLimitBytes: 10 })).rejects.toMatchObject({ code: 'artifact_too_large' });
  });
});
