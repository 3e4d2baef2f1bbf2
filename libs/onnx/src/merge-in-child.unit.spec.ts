import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denseGraph, externalDataGraph } from './graph/probe-graphs.js';
import { mergeInChild } from './merge-in-child.js';
import { OnnxSession } from './session.js';

const { onnx } = onnxProto;
const DENSE = denseGraph({ features: 4, width: 700, layers: 2, seed: 7 });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-merge-'));
  await writeFile(join(folder, 'w.bin'), Buffer.from(Float32Array.of(1, 2).buffer));
  await mkdir(join(folder, 'directory'));
  await symlink('w.bin', join(folder, 'link'));
  await symlink('/etc/passwd', join(folder, 'away'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Splits a model as exporters do: all weights into one file, the graph into another. */
async function split(model: Uint8Array, location: string): Promise<Uint8Array> {
  const decoded = onnx.ModelProto.decode(model);
  const files: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of decoded.graph!.initializer!) {
    const bytes = tensor.rawData!;
    files.push(bytes);
    tensor.externalData = Object.entries({ location, offset: String(offset), length: String(bytes.length) }).map(([key, value]) => ({ key, value }));
    tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array(0);
    offset += bytes.length;
  }
  await writeFile(join(folder, location), Buffer.concat(files));
  return onnx.ModelProto.encode(decoded).finish();
}

describe('mergeInChild', () => {
  it('finds files below a relative folder, such as the default home, though the child runs elsewhere', async () => {
    const here = await mkdtemp(join(import.meta.dirname, 'relative-'));
    try {
      await writeFile(join(here, 'w.bin'), Buffer.from(Float32Array.of(1, 2).buffer));
      expect((await mergeInChild(externalDataGraph(2, 'w.bin'), relative(process.cwd(), here))).files).toEqual(['w.bin']);
    } finally {
      await rm(here, { recursive: true });
    }
  });

  it('makes one file that scores as the whole model does, the same bytes each time', async () => {
    const graph = await split(DENSE, 'dense.data');
    expect(graph.length).toBeLessThan(2000);
    const { bytes, files } = await mergeInChild(graph, folder);
    expect(files).toEqual(['dense.data']);
    expect(bytes.length).toBeGreaterThan(1_900_000);
    expect(Buffer.compare(bytes, (await mergeInChild(graph, folder)).bytes)).toBe(0);
    const rows = Float32Array.from({ length: 12 }, (_, index) => Math.sin(index));
    const [whole, merged] = await Promise.all([DENSE, bytes].map(async (model) => (await (await OnnxSession.load(model)).run(rows, 3)).outputs[0]!.data));
    expect(merged).toEqual(whole);
  });

  it.each([
    ['a link, also one within the folder', 'link', /no file/],
    ['a link that leads away', 'away', /no file/],
    ['a folder', 'directory', /no file/],
    ['a pipe, without waiting for what never comes', 'pipe', /no file/],
    ['what is not there', 'missing', /no such file/],
    ['a path', '../w.bin', /no plain name/],
  ])('refuses %s', async (_, location, reason) => {
    const error = await mergeInChild(externalDataGraph(2, location), folder).then(() => undefined, (thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'artifact_external_data', message: expect.stringMatching(reason) });
    expect(error).toMatchObject({ message: expect.stringContaining('“weights”') });
  });

  it('limits the bytes of both together', async () => {
    const graph = externalDataGraph(2, 'w.bin');
    await expect(mergeInChild(graph, folder, { sizeLimitBytes: graph.length + 7 })).rejects.toMatchObject({ code: 'artifact_too_large' });
    await expect(mergeInChild(graph, folder, { sizeLimitBytes: graph.length + 8 })).resolves.toMatchObject({ files: ['w.bin'] });
  });

  it('limits time and memory', async () => {
    const graph = externalDataGraph(2, 'w.bin');
    await expect(mergeInChild(graph, folder, { timeLimitMs: 1 })).rejects.toMatchObject({ code: 'artifact_timeout' });
    await expect(mergeInChild(await split(DENSE, 'dense.data'), folder, { memoryLimitBytes: 1024 ** 2 })).rejects.toMatchObject({ code: 'artifact_too_large', message: expect.stringContaining('memory') });
  });

  it('calls garbage what it is', async () => {
    await expect(mergeInChild(Buffer.from('this is no model'), folder)).rejects.toMatchObject({ code: 'artifact_not_onnx' });
  });
});
