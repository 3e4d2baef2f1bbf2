import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from './read-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-read-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(artifact: string, content: string): Promise<string> {
  await writeFile(join(folder, artifact), content);
  const file = join(folder, 'model.yaml');
  await writeFile(file, `throughline: 1\nname: late\nversion: { artifact: ${artifact} }\n`);
  return file;
}

it('a graph whose columns nobody names is refused before anything is planned, in the words of the file', async () => {
  await expect(readModel(await fileOf('model.onnx', '\u0008\u0008'))).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('“version.features” is missing'), cure: expect.stringContaining('throughline init') });
});

it('a rules document names its features itself', async () => {
  expect((await readModel(await fileOf('model.rules.json', ' {"throughlineRules":1}'))).version).toMatchObject({ metadata: {} });
});
